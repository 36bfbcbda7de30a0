// Reads cases, a JSON object a line, and answers each with whether iam-simulate allows it, or null where it does not know the resource.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const named = (policies) => policies.map((policy, index) => ({ name: `policy${index}`, policy }))

for await (const line of createInterface({ input: process.stdin })) {
  const { principal, action, resource, account, context, identity, boundary, resourcePolicy } = JSON.parse(line)
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: named(identity),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(boundary && { permissionBoundaryPolicies: named([boundary]) }),
      ...(resourcePolicy && { resourcePolicy }),
    },
    {},
  )
  if (answer.resultType === 'error' && answer.errors.message !== 'no.resource.types') throw new Error(JSON.stringify(answer.errors))
  console.log(JSON.stringify(answer.resultType === 'error' ? null : answer.overallResult === 'Allowed'))
}
