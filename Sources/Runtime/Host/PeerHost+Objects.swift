import Automata
import Logging
import Objects
import Peer
import Storage

extension PeerHost {
    /// The disk's side of objects, in order; nothing else waits for it.
    func serveObjects() async {
        for await order in objectOrders {
            switch order {
            case .write(let object):
                var isDurable = true
                do throws(StorageError) {
                    try await store.writeObject(object.id, object.bytes)
                } catch {
                    isDurable = false
                    logger.warning("object.write", metadata: ["id": "\(object.id)", "reason": "\(error)"])
                }
                input(.objectWritten(object.id, durable: isDurable))
            case .erase(let id):
                do throws(StorageError) {
                    try await store.eraseObject(id)
                } catch {
                    // It comes back with the index of the next start, and is handed over again.
                    logger.warning("object.erase", metadata: ["id": "\(id)", "reason": "\(error)"])
                }
            case .read(let id, let token):
                do throws(StorageError) {
                    let bytes = try await store.object(id)
                    input(.objectRead(token, bytes.map { .bytes($0) } ?? .missing))
                } catch {
                    input(.objectRead(token, .corrupt))
                }
            }
        }
    }
}
