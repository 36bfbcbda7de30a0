from ecs_policy.command import main

raise SystemExit(main())
