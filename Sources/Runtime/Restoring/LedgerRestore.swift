public import Automata
import Foundation
public import Identity
import Peer
public import Replication
import Storage

/// The guided last resort for ledgers whose majority is gone for good: works on the state of a master that does not run.
///
///     open ─▶ examine, read only ─▶ (the keeper says yes) ─▶ carryOut ─▶ close
///
/// Files are copied beside their future place and only the copies are opened, so that whatever becomes of this, what was
/// found is there as it was. What a restored replica replaces is moved aside, not erased.
public struct LedgerRestore: Sendable {
    /// Of the master that is to lead the ledger.
    public let state: String
    /// That master's.
    public let credential: Credential
    private let lock: StateLock
    /// What it is called where the master has met it.
    public let names: [PeerID: String]
    /// Where other masters answered users when this one met them last.
    public let masters: [[Endpoint]]
    /// Masters, and ledgers after which they are named, that this master has heard of.
    private let known: Set<PeerID>

    private var directory: String { state + "/ledgers" }

    /// Takes the state of a master that does not run.
    ///
    /// - Throws: `Refusal`: it is no master's, or one uses it.
    public static func open(state: String) async throws -> LedgerRestore {
        guard FileManager.default.fileExists(atPath: state + "/identity/chain.pem") else {
            throw Refusal(
                .notFound, "\(state) is not the state of a member of a fabric",
                remedy:
                    "name with --state that of the master which shall lead the ledger; a new one must be let in first: "
                    + "`palmier master`")
        }
        let credential = try Credential.load(from: state + "/identity")
        guard credential.kind == .master else {
            throw Refusal(
                .refused, "\(state) is that of \(credential.name), which is no master",
                remedy: "name with --state that of a master of \(credential.fabric)")
        }
        let lock = try locked(state)
        var names = [credential.peer: credential.name]
        var known: Set<PeerID> = [credential.peer]
        var masters: [[Endpoint]] = []
        do throws(StorageError) {
            let store = try await Store.open(path: state + "/palmier.sqlite")
            for neighbour in try await store.load().remembered {
                names[neighbour.peer] = neighbour.name
                guard let port = neighbour.apiPort, neighbour.peer != credential.peer else { continue }
                known.insert(neighbour.peer)
                // The preferred addresses: a machine may have many, and each that does not answer costs two seconds.
                masters.append(neighbour.endpoints.prefix(2).map { Endpoint(host: $0.host, port: port) })
            }
            try store.close()
        } catch {
            throw Refusal(.failed, error.message, remedy: error.remedy)
        }
        let held = try? FileManager.default.contentsOfDirectory(atPath: state + "/ledgers")  // none yet, perhaps
        known.formUnion((held ?? []).compactMap { PeerID($0) })
        return LedgerRestore(
            state: state, credential: credential, lock: lock, names: names, masters: masters, known: known)
    }

    private static func locked(_ state: String) throws(Refusal) -> StateLock {
        do throws(StorageError) {
            return try StateLock.acquire(directory: state)
        } catch {
            throw Refusal(
                .failed, error.message,
                remedy: error.code == .locked
                    ? "stop that master first: nobody may write while a ledger is restored" : error.remedy)
        }
    }

    // MARK: Looking

    /// What the files have, by ledger; the target's own replica of each is looked at, too.
    ///
    /// - Parameter paths: masters' state directories, replicas' directories, or their files.
    /// - Parameter wanted: ledgers by id or fingerprint, so that no other is read; empty: all that are found.
    /// - Throws: `Refusal` for the first one that cannot be used.
    public func examine(_ paths: [String], only wanted: Set<String> = []) async throws -> [LedgerSalvage] {
        var places: [LedgerPlace] = []
        var locks: [String: StateLock] = [:]
        for path in paths {
            for place in try LedgerPlace.all(at: path) where !places.contains(place) { places.append(place) }
        }
        for place in places {
            guard let other = place.state, other != state, locks[other] == nil else { continue }
            try checkFabric(of: other)
            locks[other] = try Self.locked(other)
        }
        defer { withExtendedLifetime(locks) {} }
        var found: [LedgerRemains] = []
        var number = 0
        while number < places.count {
            let place = places[number]
            number += 1
            if let ledger = place.ledger, !wanted.isEmpty,
                wanted.isDisjoint(with: [ledger.description, ledger.fingerprint])
            {
                continue
            }
            let remains = try await place.read(copyingTo: "\(staging)/\(number)")
            try checkFabric(of: remains, in: place)
            found.append(remains)
            let own = "\(directory)/\(remains.ledger)"
            if ReplicaStore.exists(in: own) { places += try LedgerPlace.all(at: own).filter { !places.contains($0) } }
        }
        let ledgers = found.map(\.ledger).reduce(into: [PeerID]()) { if !$0.contains($1) { $0.append($1) } }
        var findings: [LedgerSalvage] = []
        for ledger in ledgers {
            let calls = names[ledger] ?? ledger.fingerprint
            guard let finding = LedgerSalvage(found.filter { $0.ledger == ledger }, calls: calls) else { continue }
            findings.append(try await mended(finding))
        }
        return findings
    }

    /// Takes from the other files what the chosen one does not give back: an entry is what its digest says, wherever it is.
    private func mended(_ finding: LedgerSalvage) async throws(Refusal) -> LedgerSalvage {
        let places = finding.chosen.remains.lostHistory + finding.chosen.remains.damaged
        guard !places.isEmpty, !finding.others.isEmpty else { return finding }
        var finding = finding
        do throws(StorageError) {
            let store = try await ReplicaStore.open(finding.chosen.copy, of: finding.ledger)
            for other in finding.others {
                let source = try await ReplicaStore.open(other.copy, of: finding.ledger)
                for op in places where !finding.mended.contains(op) {
                    let entries = try await source.read(after: OpNumber(op.value - 1), through: op, bytesMax: 1).entries
                    guard !entries.isEmpty else { continue }
                    let write = JournalWrite(
                        number: WriteNumber(op.value), mended: entries, state: finding.chosen.remains.state)
                    if try await store.write([write]).isEmpty { finding.mended.append(op) }
                }
                try await source.close()
            }
            (finding.chosen.books, finding.chosen.remains) = try await store.remains()
            try await store.close()
        } catch {
            throw Refusal(.failed, error.message, remedy: error.remedy)
        }
        return finding
    }

    private var staging: String { "\(directory)/restoring" }

    /// Another fabric's state may be named by mistake.
    private func checkFabric(of other: String) throws {
        let trust = try FabricTrust.load(from: other + "/identity")
        guard trust.rootDigest == credential.trust.rootDigest else {
            throw Refusal(
                .refused,
                "\(other) belongs to fabric \(trust.name) (root \(trust.fingerprint)), \(state) to "
                    + "\(credential.fabric) (root \(credential.trust.fingerprint))",
                remedy: "restore it into the state of a master of \(trust.name), with --state")
        }
    }

    /// A file alone does not say of which fabric it is; its members do, where this master has met one.
    private func checkFabric(of remains: LedgerRemains, in place: LedgerPlace) throws(Refusal) {
        guard place.state == nil else { return }
        let members = remains.remains.membership.members.map(\.peer)
        guard known.isDisjoint(with: members + [remains.ledger]) else { return }
        let shown = members.isEmpty ? "nobody" : members.map(\.fingerprint).joined(separator: ", ")
        throw Refusal(
            .refused,
            "\(place.directory) is of the ledger \(remains.ledger.fingerprint), kept by \(shown): \(credential.name) has met "
                + "none of them in fabric \(credential.fabric)",
            remedy: "name the whole state directory of a master that held it, which says of which fabric it is")
    }

    // MARK: Doing

    /// Writes the replica that goes on; the master leads the ledger as soon as it starts.
    ///
    /// - Throws: `Refusal`; the state is then what it was.
    public func carryOut(
        _ finding: LedgerSalvage, givesUpDamaged: Bool = false, now: Instant
    ) async throws -> LedgerRestoration {
        let member = Member(peer: credential.peer, store: StoreID(UInt64.random(in: 1 ... .max)))
        let chosen = finding.chosen
        let restart = try finding.restart(as: member, at: now, givesUpDamaged: givesUpDamaged)
        let place = "\(directory)/\(finding.ledger)"
        var aside: String?
        do throws(StorageError) {
            let store = try await ReplicaStore.open(chosen.copy, of: finding.ledger)
            do throws(StorageError) {
                try await store.restart(restart, as: member.store)
            } catch {
                try? await store.close()  // a copy, and thrown away
                throw error
            }
            try await store.close()
            if FileManager.default.fileExists(atPath: place) {
                let old = "\(place).before-\(restart.membership.epoch)"
                try ReplicaStore.move(place, to: old)
                aside = old
            }
            do throws(StorageError) {
                try ReplicaStore.move(chosen.copy, to: place)
            } catch {
                if let aside { try ReplicaStore.move(aside, to: place) }
                throw error
            }
        } catch {
            throw Refusal(.failed, error.message, remedy: error.remedy)
        }
        return LedgerRestoration(restart: restart, place: place, aside: aside)
    }

    /// Removes the copies, and gives the state back.
    public func close() {
        try? FileManager.default.removeItem(atPath: staging)  // the next examination does it
        withExtendedLifetime(lock) {}
    }
}

/// What was done to one ledger.
public struct LedgerRestoration: Sendable {
    public let restart: Restart
    /// Where the replica lies that goes on.
    public let place: String
    /// Where the one lies that was there before; nil: there was none.
    public let aside: String?
}
