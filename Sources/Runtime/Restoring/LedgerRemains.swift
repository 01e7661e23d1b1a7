public import Automata
import Foundation
public import Ledger
import Peer
public import Replication
import Storage
import Wire

/// What one file has of a ledger.
public struct LedgerRemains: Sendable {
    public let ledger: PeerID
    /// The directory that the file lies in, as it was found.
    public let source: String
    public internal(set) var remains: Remains
    /// What its entries add up to, as far as they are known to be committed.
    public internal(set) var books: Books
    /// The copy that is worked with; nobody writes to the file itself.
    let copy: String

    /// What the ledger is called, as far as the file tells.
    public var name: String? { books.described.flatMap { $0.name.isEmpty ? nil : $0.name } }
}

/// Where there may be replicas: `STATE/ledgers/ID`, or a copy of such a directory.
struct LedgerPlace: Hashable, Sendable {
    /// With `log.N.db` in it.
    let directory: String
    /// By the directory's name; nil: the file must say.
    let ledger: PeerID?
    /// The state directory around it; nil: none.
    let state: String?

    /// All replicas at a path: a master's state directory, one replica's directory, or its file.
    ///
    /// - Throws: `notFound` where there is none.
    static func all(at path: String) throws(Refusal) -> [LedgerPlace] {
        let manager = FileManager.default
        var isDirectory: ObjCBool = false
        guard manager.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw Refusal(
                .notFound, "there is nothing at \(path)", remedy: "name a master's state directory with --from")
        }
        let directory = isDirectory.boolValue ? path : URL(fileURLWithPath: path).deletingLastPathComponent().path
        if ReplicaStore.exists(in: directory) { return [LedgerPlace(directory)] }
        let names: [String]
        do {
            names = try manager.contentsOfDirectory(atPath: directory + "/ledgers").sorted()
        } catch {
            let isThere = manager.fileExists(atPath: directory + "/ledgers")
            throw Refusal(
                isThere ? .failed : .notFound,
                isThere
                    ? "cannot read \(directory)/ledgers: \(error.localizedDescription)"
                    : "\(path) is no master's state directory, and no replica's file: there is neither \(directory)/ledgers "
                        + "nor a log.1.db",
                remedy: "name STATE, or STATE/ledgers/ID, of a master that held a replica")
        }
        let found = names.filter { PeerID($0) != nil && ReplicaStore.exists(in: "\(directory)/ledgers/\($0)") }
        guard !found.isEmpty else {
            throw Refusal(
                .notFound, "\(directory)/ledgers holds no replica",
                remedy: "name the state directory of a master that held one")
        }
        return found.map { LedgerPlace("\(directory)/ledgers/\($0)") }
    }

    private init(_ directory: String) {
        self.directory = directory
        let place = URL(fileURLWithPath: directory).standardizedFileURL
        ledger = PeerID(place.lastPathComponent)
        let around = place.deletingLastPathComponent()
        let state = around.deletingLastPathComponent().path
        let isState =
            around.lastPathComponent == "ledgers"
            && FileManager.default.fileExists(atPath: state + "/identity/chain.pem")
        self.state = isState ? state : nil
    }

    // MARK: Looking into it

    /// Copies the files, and reads the copy: SQLite writes beside a file that it only reads.
    ///
    /// - Parameter copy: a directory that is made.
    /// - Throws: `Refusal`, with the file's own name.
    func read(copyingTo copy: String) async throws -> LedgerRemains {
        try duplicate(to: copy)
        do throws(StorageError) {
            let (group, genesis) = try await ReplicaStore.identify(in: copy)
            let found = PeerID(high: group.high, low: group.low)
            let ledger = ledger ?? found
            guard found == ledger, genesis == HeldLedger.genesis(of: ledger) else {
                throw StorageError(
                    .foreign, "\(copy) is the log of \(group), not of the ledger \(ledger), after which it is named",
                    remedy: "put the file where it belongs, in a directory that is called \(found)")
            }
            let store = try await ReplicaStore.open(in: copy, group: group, genesis: genesis)
            do throws(StorageError) {
                let (books, remains) = try await store.remains()
                try await store.close()
                return LedgerRemains(ledger: ledger, source: directory, remains: remains, books: books, copy: copy)
            } catch {
                try? await store.close()  // a copy
                throw error
            }
        } catch {
            throw refusal(error, copy)
        }
    }

    private func duplicate(to copy: String) throws(Refusal) {
        let manager = FileManager.default
        do {
            if manager.fileExists(atPath: copy) { try manager.removeItem(atPath: copy) }
            try manager.createDirectory(
                atPath: copy, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for name in try manager.contentsOfDirectory(atPath: directory)
            where name == "log.acknowledged"
                || (name.hasPrefix("log.") && [".db", "-wal"].contains { name.hasSuffix($0) })
            {
                try manager.copyItem(atPath: "\(directory)/\(name)", toPath: "\(copy)/\(name)")
                try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(copy)/\(name)")
            }
        } catch {
            throw Refusal(
                .failed, "cannot copy \(directory) to \(copy): \(error.localizedDescription)",
                remedy: "check that the first can be read, and that there is room for the second")
        }
    }

    /// What is wrong with the file: its own name stands for the copy's.
    private func refusal(_ error: StorageError, _ copy: String) -> Refusal {
        let message = error.message.replacing(copy, with: directory)
        switch error.code {
        case .corrupt:
            return Refusal(
                .failed, message,
                remedy: "check the disk (dmesg); name what another replica has left with --from, its file or its state")
        case .foreign: return Refusal(.refused, message, remedy: error.remedy.replacing(copy, with: directory))
        case .futureVersion:
            return Refusal(
                .failed, message, remedy: "restore with the palmier that has written it, or with a later one")
        case .diskFull, .locked, .readOnly, .refused, .failed:
            return Refusal(.failed, message, remedy: error.remedy.replacing(copy, with: directory))
        }
    }
}

extension ReplicaStore {
    static func open(_ directory: String, of ledger: PeerID) async throws(StorageError) -> ReplicaStore {
        try await open(in: directory, group: HeldLedger.group(of: ledger), genesis: HeldLedger.genesis(of: ledger))
    }

    /// Brings a ledger's books up to what is known to be committed, from the newest checkpoint that is of use.
    func restoreBooks() async throws(StorageError) -> Restoration<Books> {
        try restore(Books(), sessionsMax: Replica.Configuration().sessionsMax) { books, head, bytes in
            books = try Books(decoding: bytes)
            guard books.index.value == head.op.value else {
                throw StorageError(
                    .corrupt, "its books are those of entry \(books.index)", remedy: "an earlier one stands for it")
            }
        } apply: { books, entry in
            books.apply(entry, .wire)
        }
    }

    /// What is left of a ledger: all places were looked at, those in front of a checkpoint, too.
    func remains() async throws(StorageError) -> (books: Books, remains: Remains) {
        let found = try await restoreBooks()
        let history = try damagedPlaces(before: found.checkpoint.next)
        return (found.state, Remains(found.replica, lostHistory: history))
    }
}
