import Agent
import Automata
import Claims
import Ledger
import Logging
import Peer

/// What the peer orders of its machine, and what the machine reports.
extension PeerHost {
    func serveAgent(_ orders: [InstanceOrder]) async throws(AgentError) {
        while !Task.isCancelled {
            do throws(AgentError) {
                try await agent.start(orders: orders)
                board.clear("agent")
                break
            } catch {
                if error.code == .noIsolation || error.code == .badConfiguration { throw error }
                let problem = HostProblem(code: "agent", message: error.message, remedy: error.remedy)
                if board.raise(problem) {
                    logger.error("agent.failed", metadata: ["reason": "\(error)"])
                    input(.accepting(false))
                }
                guard await rest(.seconds(5)) else { return }
            }
        }
        input(.accepting(true))
        for await command in commands {
            switch command {
            case .apply(let order): await agent.apply(order)
            case .vacate(let claim): await agent.vacate(claim)
            case .leaseEnds(let claim, let end): await agent.holdLease(of: claim, for: end - clock.now)
            case .readLog(let id, let claim, let query): await readLog(id, claim, query)
            }
        }
    }

    private func readLog(_ id: CallID, _ claim: ClaimReference, _ query: LogQuery) async {
        do throws(AgentError) {
            let stream: LogStream = query.stream == .output ? .stdout : .stderr
            let (bytes, next) = try await agent.logs(
                of: claim, stream: stream, offset: query.offset, limit: query.bytesMax)
            input(.logRead(id, .success(LogPiece(bytes: bytes, nextOffset: next))))
        } catch {
            input(.logRead(id, .failure(Refusal(.notFound, error.message, remedy: error.remedy))))
        }
    }

    func serveReports() async {
        for await (claim, status) in agent.reports { input(.instance(claim, status)) }
    }

    /// Measures what groups are scaled by; the peer decides what of it is worth a message.
    func gaugeInstances() async {
        while await rest(.seconds(15)) {
            let gauges = await agent.gauges()
            if !gauges.isEmpty { input(.gauged(gauges)) }
        }
    }

    func sweepReleases() async {
        while await rest(.seconds(3_600)) {
            do {
                _ = try await agent.sweep(now: HostClock.wallClock)
            } catch {
                logger.warning("release.sweep", metadata: ["reason": "\(error)"])
            }
        }
    }
}
