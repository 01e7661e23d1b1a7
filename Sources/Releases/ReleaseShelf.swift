public import Automata
import Synchronization

/// Release documents that were read lately, so that a list of a thousand instances parses each release once.
public final class ReleaseShelf: Sendable {
    private static let countMax = 256
    private let shelf = Mutex<[ReleaseDocument: Result<Release, ReleaseError>]>([:])

    public init() {}

    /// - Throws: why the document is no release.
    public func release(_ document: ReleaseDocument) throws(ReleaseError) -> Release {
        if let known = shelf.withLock({ $0[document] }) { return try known.get() }
        let result: Result<Release, ReleaseError>
        do throws(ReleaseError) {
            result = .success(try Release.parse(text: document.text, origin: document.url))
        } catch {
            result = .failure(error)
        }
        shelf.withLock { shelf in
            if shelf.count >= Self.countMax { shelf.removeAll() }
            shelf[document] = result
        }
        return try result.get()
    }
}
