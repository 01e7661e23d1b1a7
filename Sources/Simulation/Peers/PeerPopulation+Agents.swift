import Automata
import Claims
import Ledger
import Peer

/// What a machine's supervisor does next in one partition.
struct AgentStep: Sendable {
    enum Kind: Sendable {
        case install, start, stop, empty
    }

    var partition: PartitionNumber
    var claim: ClaimReference
    var step: UInt64
    var kind: Kind
}

/// The modelled agent: installs, starts and stops instances, each step taking its time; what runs survives the process
/// and dies with the machine.
extension PeerPopulation {
    mutating func apply(_ order: InstanceOrder, on host: UInt32, _ core: inout World) {
        let number = order.claim.partition
        if let old = hosts[Int(host)].instances[number],
            old.order.claim != order.claim
                || old.order.request != order.request && order.takesOver?.from != old.order.request
        {
            watch.checker.report(
                "I2",
                "\(name(host))'s partition \(number) has \(old.order.request) (\(old.order.claim)) and is given to "
                    + "\(order.request) (\(order.claim))", [host], &core)
            return
        }
        checkTakeOver(order, on: host, &core)
        var instance = hosts[Int(host)].instances[number] ?? RunningInstance(order: order)
        guard !instance.isLeaving else { return }
        if order.revision < instance.order.revision {
            let what = "\(name(host)) goes back from revision \(instance.order.revision) of \(order.request) to"
            return watch.checker.report("newest", "\(what) \(order.revision) (\(order.claim))", [host], &core)
        }
        if tenancy.isOver(order.claim) {
            let what = "\(name(host)) starts \(order.request) under \(order.claim), whose tenancy has ended"
            return watch.checker.report("I2", what, [host], &core)
        }
        if hosts[Int(host)].instances[number] == nil { checkLetIn(order, on: host, &core) }
        instance.order = order
        instance.step += 1
        hosts[Int(host)].instances[number] = instance
        let wanted = order.specification.desired == .running
        guard wanted != instance.isRunning else {
            report(order, wanted ? .running : .stopped, on: host, &core)
            return
        }
        let kind: AgentStep.Kind = wanted ? .install : .stop
        let step = AgentStep(partition: number, claim: order.claim, step: instance.step, kind: kind)
        schedule(step, of: host, within: wanted ? .milliseconds(50) : .milliseconds(500), &core)
    }

    mutating func vacate(_ claim: ClaimReference, on host: UInt32, _ core: inout World) {
        guard var instance = hosts[Int(host)].instances[claim.partition], instance.order.claim == claim else {
            tell(host, .instance(claim, InstanceStatus(state: .destroyed)), &core)
            return
        }
        checkGap(claim, of: instance, on: host, &core)
        instance.isLeaving = true
        instance.step += 1
        hosts[Int(host)].instances[claim.partition] = instance
        let step = AgentStep(partition: claim.partition, claim: claim, step: instance.step, kind: .empty)
        schedule(step, of: host, within: .milliseconds(800), &core)
    }

    mutating func holdLease(of claim: ClaimReference, until end: Instant, on host: UInt32, _ core: inout World) {
        guard sabotage != .endlessLease else { return }
        hosts[Int(host)].leases[claim] = end
        run(.leaseGuard(claim.partition, claim), at: core.time(of: host, at: end), of: host, &core)
        // The guard was faster than the news of a longer lease: the agent makes good what should run.
        guard let instance = hosts[Int(host)].instances[claim.partition], instance.order.claim == claim,
            instance.wasEndedByGuard, !instance.isRunning, !instance.isLeaving,
            instance.order.specification.desired == .running
        else { return }
        let step = AgentStep(partition: claim.partition, claim: claim, step: instance.step, kind: .install)
        schedule(step, of: host, within: .milliseconds(50), &core)
    }

    /// The guard outlives the agent's process, and ends what the agent did not end in time.
    mutating func onLeaseGuard(_ number: PartitionNumber, _ claim: ClaimReference, host: UInt32, _ core: inout World) {
        guard let end = hosts[Int(host)].leases[claim], core.localNow(host) >= end else { return }
        hosts[Int(host)].leases[claim] = nil
        guard var instance = hosts[Int(host)].instances[number], instance.order.claim == claim, instance.isRunning
        else {
            return
        }
        reached["instance ended by its guard", default: 0] += 1
        say("guard ends \(instance.order.request) at \(claim)", &core)
        instance.isRunning = false
        instance.wasEndedByGuard = true
        instance.step += 1
        hosts[Int(host)].instances[number] = instance
        tenancy.stopped(instance.order, host: host)
        if !instance.isLeaving { report(instance.order, .stopped, on: host, &core) }
    }

    mutating func onAgentStep(_ step: AgentStep, host: UInt32, _ core: inout World) {
        // The agent is a part of the process: without it nothing is started or stopped.
        guard core.isUp(host), var instance = hosts[Int(host)].instances[step.partition],
            instance.order.claim == step.claim, instance.step == step.step
        else { return }
        switch step.kind {
        case .install:
            report(instance.order, .starting, on: host, &core)
            var next = step
            next.kind = .start
            schedule(next, of: host, within: .seconds(2), &core)
        case .start:
            // The guard starts nothing whose lease has ended.
            if instance.order.specification.exclusive, sabotage != .endlessLease,
                core.localNow(host) >= hosts[Int(host)].leases[instance.order.claim] ?? .zero
            {
                return
            }
            instance.isRunning = true
            if settings.hasOwners { owners.hasRun.insert(instance.order.claim) }
            instance.wasEndedByGuard = false
            hosts[Int(host)].instances[step.partition] = instance
            if let machines = tenancy.started(instance.order, host: host) {
                let names = machines.map { name($0) }.joined(separator: " and ")
                watch.checker.report(
                    "I1", "\(instance.order.request) is exclusive and runs on \(names)", machines, &core)
            }
            say("running \(instance.order.request) at \(instance.order.claim)", &core)
            report(instance.order, .running, on: host, &core)
        case .stop:
            instance.isRunning = false
            hosts[Int(host)].instances[step.partition] = instance
            tenancy.stopped(instance.order, host: host)
            say("stopped \(instance.order.request) at \(instance.order.claim)", &core)
            report(instance.order, .stopped, on: host, &core)
        case .empty:
            hosts[Int(host)].instances[step.partition] = nil
            tenancy.stopped(instance.order, host: host)
            tenancy.ended(instance.order.claim)
            say("emptied \(instance.order.claim)", &core)
            tell(host, .instance(step.claim, InstanceStatus(state: .destroyed)), &core)
        }
    }

    private mutating func report(_ order: InstanceOrder, _ state: InstanceState, on host: UInt32, _ core: inout World) {
        let connection = state == .running ? #"{"port":11211}"# : "{}"
        let status = InstanceStatus(state: state, connection: connection, revision: order.revision)
        tell(host, .instance(order.claim, status), &core)
    }

    private mutating func schedule(_ step: AgentStep, of host: UInt32, within longest: Duration, _ core: inout World) {
        let delay = agentRandom.duration(in: .milliseconds(1)...longest)
        run(.agent(step), at: core.now + delay.nanoseconds, of: host, &core)
    }

    /// The machine is gone, or its disk: so is what ran there.
    mutating func endInstances(of host: UInt32) {
        for (number, instance) in hosts[Int(host)].instances.sorted(by: { $0.key < $1.key }) {
            hosts[Int(host)].instances[number]?.isRunning = false
            hosts[Int(host)].instances[number]?.step += 1
            tenancy.stopped(instance.order, host: host)
        }
    }
}
