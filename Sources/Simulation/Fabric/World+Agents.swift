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
extension World {
    mutating func apply(_ order: InstanceOrder, on host: Int) {
        let number = order.claim.partition
        if let old = hosts[host].instances[number], old.order.claim != order.claim || old.order.request != order.request
        {
            checker.twoTenants(old.order, order, on: hosts[host].name, at: now)
            return
        }
        var instance = hosts[host].instances[number] ?? RunningInstance(order: order)
        guard !instance.isLeaving else { return }
        instance.order = order
        instance.step += 1
        hosts[host].instances[number] = instance
        let wanted = order.specification.desired == .running
        guard wanted != instance.isRunning else {
            report(order, wanted ? .running : .stopped, on: host)
            return
        }
        let kind: AgentStep.Kind = wanted ? .install : .stop
        schedule(
            .instance(AgentStep(partition: number, claim: order.claim, step: instance.step, kind: kind), host: host),
            after: agentRandom.duration(in: .milliseconds(1)...(wanted ? .milliseconds(50) : .milliseconds(500))))
    }

    mutating func vacate(_ claim: ClaimReference, on host: Int) {
        guard var instance = hosts[host].instances[claim.partition], instance.order.claim == claim else {
            tell(host, .instance(claim, InstanceStatus(state: .destroyed)))
            return
        }
        instance.isLeaving = true
        instance.step += 1
        hosts[host].instances[claim.partition] = instance
        let step = AgentStep(partition: claim.partition, claim: claim, step: instance.step, kind: .empty)
        schedule(
            .instance(step, host: host), after: agentRandom.duration(in: .milliseconds(1)...(.milliseconds(800))))
    }

    mutating func holdLease(of claim: ClaimReference, until end: Instant, on host: Int) {
        guard sabotage != .endlessLease else { return }
        hosts[host].leases[claim] = end
        schedule(.leaseGuard(claim.partition, claim, host: host), at: end)
    }

    /// The guard outlives the agent's process, and ends what the agent did not end in time.
    mutating func onLeaseGuard(_ number: PartitionNumber, _ claim: ClaimReference, host: Int) {
        guard let end = hosts[host].leases[claim], now >= end else { return }
        hosts[host].leases[claim] = nil
        guard var instance = hosts[host].instances[number], instance.order.claim == claim, instance.isRunning else {
            return
        }
        reached["instance ended by its guard", default: 0] += 1
        note("guard ends \(instance.order.request) at \(claim)")
        instance.isRunning = false
        instance.step += 1
        hosts[host].instances[number] = instance
        checker.stopped(instance.order, host: host)
        if !instance.isLeaving { report(instance.order, .stopped, on: host) }
    }

    mutating func onAgentStep(_ step: AgentStep, host: Int) {
        // The agent is a part of the process: without it nothing is started or stopped.
        guard hosts[host].isRunning, var instance = hosts[host].instances[step.partition],
            instance.order.claim == step.claim, instance.step == step.step
        else { return }
        switch step.kind {
        case .install:
            report(instance.order, .starting, on: host)
            var next = step
            next.kind = .start
            schedule(
                .instance(next, host: host),
                after: agentRandom.duration(in: .milliseconds(1)...(.seconds(2))))
        case .start:
            // The guard starts nothing whose lease has ended.
            if instance.order.specification.exclusive, sabotage != .endlessLease,
                now >= hosts[host].leases[instance.order.claim] ?? .zero
            {
                return
            }
            instance.isRunning = true
            hosts[host].instances[step.partition] = instance
            checker.started(instance.order, host: host, name: hosts[host].name, at: now)
            note("running \(instance.order.request) at \(instance.order.claim)")
            report(instance.order, .running, on: host)
        case .stop:
            instance.isRunning = false
            hosts[host].instances[step.partition] = instance
            checker.stopped(instance.order, host: host)
            note("stopped \(instance.order.request) at \(instance.order.claim)")
            report(instance.order, .stopped, on: host)
        case .empty:
            hosts[host].instances[step.partition] = nil
            checker.stopped(instance.order, host: host)
            note("emptied \(instance.order.claim)")
            tell(host, .instance(step.claim, InstanceStatus(state: .destroyed)))
        }
    }

    private mutating func report(_ order: InstanceOrder, _ state: InstanceState, on host: Int) {
        let connection = state == .running ? #"{"port":11211}"# : "{}"
        let status = InstanceStatus(state: state, connection: connection, revision: order.revision)
        tell(host, .instance(order.claim, status))
    }
}
