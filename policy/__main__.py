from ecs_policy.pack import serve

serve()
