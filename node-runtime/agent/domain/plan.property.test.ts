import assert from "node:assert/strict";
import { test } from "node:test";
import {
  array,
  assert as check,
  boolean,
  constantFrom,
  integer,
  option,
  property,
  record,
  tuple,
  uniqueArray,
} from "fast-check";
import type { DesiredService } from "#shared/contract/state.ts";
import { applyOperation, makeComponent, makeInstance, makeService, planModel } from "../testing/model.ts";
import type { ObservedInstance } from "./observed-instance.ts";
import { describeOperation, type Operation } from "./operation.ts";

const componentName = constantFrom("web", "api", "shop");
const specHash = constantFrom("spec-a", "spec-b");
const deploymentId = constantFrom("deployment-1", "deployment-2");

const component = record({
  name: componentName,
  specHash,
  strategy: constantFrom<"rolling" | "recreate">("rolling", "recreate"),
}).map((facts) => makeComponent(facts));

const service = record({
  service: constantFrom("shop", "blog"),
  deploymentId,
  state: constantFrom<"running" | "stopped">("running", "running", "stopped"),
  components: uniqueArray(component, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
  keepOld: boolean(),
  restartGeneration: integer({ min: 0, max: 2 }),
}).map((facts) => makeService(facts));
const services = uniqueArray(service, { maxLength: 2, selector: (one) => one.service });

const failure = option(
  deploymentId.map((id) => ({ deploymentId: id, reason: "it exited", exitCode: 1, lastLog: [] })),
  { nil: undefined },
);
const instance = record({
  service: constantFrom("shop", "blog", "gone"),
  component: componentName,
  specHash,
  restart: constantFrom<"always" | "no" | "on-failure">("always", "no", "on-failure"),
  restartGeneration: integer({ min: 0, max: 2 }),
  state: constantFrom<"created" | "running" | "exited">("created", "running", "running", "exited"),
  exitCode: constantFrom(0, 1),
  stoppedByAgent: boolean(),
  health: constantFrom<"starting" | "healthy" | "unhealthy">("starting", "healthy", "unhealthy"),
  failure,
});
const instances = array(instance, { maxLength: 8 }).map((all) =>
  all.map((facts, index) =>
    makeInstance({
      ...facts,
      instance: `i${index}`,
      containerName: `${facts.service}-${facts.component}-i${index}`,
      stoppedByAgent: facts.state === "exited" && facts.stoppedByAgent,
    })
  )
);
const scenario = tuple(services, instances);

function applyAll(observed: readonly ObservedInstance[], plan: readonly Operation[]): readonly ObservedInstance[] {
  return plan.reduce<readonly ObservedInstance[]>((now, operation) => applyOperation(now, operation), observed);
}

function assertReached(desired: readonly DesiredService[], observed: readonly ObservedInstance[]): void {
  for (const wanted of desired) {
    for (const { name, specHash: hash } of wanted.components) {
      const own = observed.filter((one) => one.service === wanted.service && one.component === name);
      const running = own.filter((one) =>
        one.specHash === hash && one.state === "running" && one.failure === undefined
      );
      const resting = own.some((one) => one.failure !== undefined || one.restart !== "always");
      if (wanted.state === "running") assert.ok(running.length === 1 || resting, `${name} should run once`);
      else assert.ok(own.every((one) => one.state !== "running"), `${name} should not run`);
      if (!wanted.keepOld) assert.ok(own.every((one) => one.specHash === hash), `${name} should have no old instance`);
    }
  }
  const names = new Set(desired.map((one) => one.service));
  assert.ok(observed.every((one) => names.has(one.service)), "nothing of an undesired service is left");
}

test("planNode() leads to what is desired, and then plans nothing", () => {
  check(
    property(scenario, ([desired, observed]) => {
      const after = applyAll(observed, planModel(desired, observed));
      assertReached(desired, after);
      assert.deepEqual(planModel(desired, after).map(describeOperation), []);
    }),
    { numRuns: 1000 },
  );
});

test("planNode() never removes an old instance while it is kept, nor stops a healthy one that rolls", () => {
  check(
    property(scenario, ([desired, observed]) => {
      for (const operation of planModel(desired, observed)) {
        if (operation.kind !== "remove" && operation.kind !== "stop") continue;
        const wanted = desired.find((one) => one.service === operation.service);
        const wantedComponent = wanted?.components.find(({ name }) => name === operation.component);
        const target = observed.find((one) => one.containerId === operation.containerId);
        const isOld = target?.specHash !== wantedComponent?.specHash;
        if (!wanted?.keepOld || !isOld) continue;
        assert.equal(operation.kind, "stop");
        assert.ok(wanted.state === "stopped" || wantedComponent?.strategy === "recreate");
      }
    }),
    { numRuns: 1000 },
  );
});

test("planNode() with recreate never has two instances running at once", () => {
  check(
    property(scenario, ([desired, observed]) => {
      let now: readonly ObservedInstance[] = observed;
      for (const operation of planModel(desired, observed)) {
        now = applyOperation(now, operation);
        if (operation.kind !== "start") continue;
        const wanted = desired.find((one) => one.service === operation.service);
        const strategy = wanted?.components.find(({ name }) => name === operation.component)?.strategy;
        const running = now.filter((one) =>
          one.service === operation.service && one.component === operation.component && one.state === "running"
        );
        if (strategy === "recreate") assert.equal(running.length, 1);
      }
    }),
    { numRuns: 1000 },
  );
});

test("planNode() does not depend on the order in which podman lists containers", () => {
  check(
    property(scenario, ([desired, observed]) => {
      const sorted = (plan: Operation[]) => plan.map(describeOperation).toSorted();
      assert.deepEqual(sorted(planModel(desired, observed)), sorted(planModel(desired, observed.toReversed())));
    }),
    { numRuns: 300 },
  );
});
