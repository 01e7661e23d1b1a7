import Agent
import Automata
import Foundation
import Testing

extension AgentTests {
    /// How an exclusive instance ends when its machine may no longer run it (I1).
    @Suite struct Leases {
        @Test("a suspension of the same revision stops an instance, and its end starts it again")
        func suspension() async throws {
            try await Workshop.use("suspend") { workshop, host in
                await host.holdLease(of: workshop.claim(), for: .seconds(300))
                await host.apply(workshop.exclusiveOrder())
                try await host.reach(.running, workshop.claim())
                let pid = try workshop.pid()
                await host.apply(workshop.exclusiveOrder(desired: .stopped))
                try await host.reach(.stopped, workshop.claim())
                #expect(!isAlive(pid))
                await host.apply(workshop.exclusiveOrder())
                try await host.reach(.running, workshop.claim())
                #expect(try workshop.pid() != pid)
            }
        }

        @Test("the guard kills an exclusive instance at its lease's end without the agent; none starts after it")
        func guarding() async throws {
            try await Workshop.use("guard") { workshop, host in
                await host.holdLease(of: workshop.claim(), for: .seconds(300))
                await host.apply(workshop.exclusiveOrder())
                try await host.reach(.running, workshop.claim())
                let pid = try workshop.pid()
                // No order follows: what ends it is not the agent.
                await host.holdLease(of: workshop.claim(), for: .zero)
                #expect(try await eventually { !isAlive(pid) })
                let errors = "\(workshop.state)/instances/p00/stderr.log"
                #expect(
                    try await eventually {
                        try String(contentsOfFile: errors, encoding: .utf8).contains("lease of this exclusive instance")
                    }, "supervisord starts it again, and it refuses")
            }
        }
    }
}

extension Workshop {
    fileprivate func exclusiveOrder(desired: DesiredState = .running) -> InstanceOrder {
        var order = order(sleeper, desired: desired)
        order.specification.exclusive = true
        return order
    }
}
