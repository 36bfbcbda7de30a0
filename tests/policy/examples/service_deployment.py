from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, service, task_definition, unknown, violates
from tests.policy.good_stacks import mutant

APP = task_definition()

EXAMPLES = {
    "SV-17": [
        violates(
            "the family alone",
            {"app": APP, "web": service(taskDefinition="${app.family}")},
            at={"web.taskDefinition"},
            says=(
                "Service 'web' taskDefinition: got \"app\", expected a full ARN or family:revision; "
                "use the task definition's arn, not arnWithoutRevision or family"
            ),
        ),
        violates(
            "the ARN without revision",
            {"app": APP, "web": service(taskDefinition="${app.arnWithoutRevision}")},
            at={"web.taskDefinition"},
        ),
        passes("the ARN", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
        passes("family and revision", {"web": service(taskDefinition="app:3")}),
        missing("no task definition: task sets bring their own", {"web": service()}),
        unknown(
            "the ARN, before the task definition is registered",
            {"app": APP, "web": service(taskDefinition="${app.arn}")},
            not_evaluated={"web.taskDefinition"},
        ),
        not_applicable("no service", {"app": APP}),
    ],
}

MUTANTS = {"SV-17": [mutant("family", good_stacks.FARGATE, "web", taskDefinition="${app.family}")]}
