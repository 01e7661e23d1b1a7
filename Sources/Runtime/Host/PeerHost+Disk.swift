import Automata
import Logging
import NIOCore
import Peer
import Storage

/// A write, and how the peer names it.
struct NumberedWrite: Sendable {
    var write: MachineWrite
    var number: UInt64
}

/// What the peer keeps, and what happens when the disk does not take it.
extension PeerHost {
    /// Commits what the machine promises, one transaction at a time; a disk that fails is tried again until it works.
    func serveWrites() async {
        for await order in writes {
            let batch = WriteBatch(partitions: order.write.records, word: order.write.word)
            while !Task.isCancelled {
                do throws(StorageError) {
                    try await store.write(batch)
                    board.clear(Self.diskProblem)
                    break
                } catch {
                    precondition(error.code != .refused, "a batch breaks an invariant of the store: \(error)")
                    let problem = HostProblem(code: Self.diskProblem, message: error.message, remedy: error.remedy)
                    if board.raise(problem) {
                        logger.error("storage.failed", metadata: ["reason": "\(error)"])
                        abandonCalls(problem)
                    }
                    guard await rest(.seconds(1)) else { return }
                }
            }
            loop.execute { [core] in core.value.input(.persisted(order.number)) }
        }
    }

    /// Keeps the logs of the ledgers of which this master holds replicas.
    func serveLedgers() async {
        await shelf.serve {
            self.input($0)
        } failed: { error in
            self.abandonCalls(HostProblem(code: Self.diskProblem, message: error.message, remedy: error.remedy))
        }
    }

    /// Answers those who wait for this disk, and for no other.
    private func abandonCalls(_ problem: HostProblem) {
        loop.execute { [core] in
            if core.value.isOnItsOwn { core.value.abandonCalls(Self.refusal(problem)) }
        }
    }

    /// Keeps what is worth having at the next start; the next hint replaces one that the disk did not take.
    func serveHints() async {
        for await hint in hints {
            do throws(StorageError) {
                try await store.write(hint)
            } catch {
                logger.debug("storage.hintLost", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// The code of the problem that the disk takes no writes.
    static let diskProblem = "disk"

    static func refusal(_ problem: HostProblem) -> Refusal {
        Refusal(.failed, problem.message, remedy: problem.remedy)
    }
}
