import Automata
import Claims
import Ledger
import Neighbours
import Peer
import Releases

/// Documents made from one look at the peer.
struct Views {
    let peer: Peer
    let now: Instant
    let shelf: ReleaseShelf

    var own: Advertisement { peer.neighbours.own }

    // MARK: Instances

    func instance(_ request: Request) -> InstanceDocument {
        let specification = request.specification
        let release = summary(of: request.chosen.release)
        return InstanceDocument(
            customer: request.key.customer.name, reference: request.key.reference, release: release,
            type: specification.type, parameters: JSONValue(text: specification.parameters),
            requirements: .init(specification.requirements),
            exclusive: specification.exclusive, promise: specification.exclusive ? "at most one" : "at least one",
            patienceSeconds: max(specification.patience ?? .zero, peer.lease).components.seconds,
            project: specification.project, desired: specification.desired.rawValue,
            state: request.status.state.rawValue, reason: request.status.reason,
            where: request.placement.map { place($0) }, moving: moving(request), attempt: request.attempt.value,
            revision: request.revision.value, stateRevision: request.status.revision.value,
            connection: JSONValue(text: request.status.connection),
            requestedAt: DocumentCoding.text(of: request.requestedAt),
            changedAt: DocumentCoding.text(of: request.changedAt),
            ageSeconds: DocumentCoding.age(of: request.requestedAt, at: now), home: home(of: request.key),
            memberOf: specification.membership?.group, tookOver: request.adoption?.from.reference,
            releases: specification.others.isEmpty ? nil : specification.acceptable.map { summary(of: $0.document) },
            releaseReason: request.choice?.reason)
    }

    func summary(of document: ReleaseDocument) -> InstanceDocument.ReleaseSummary {
        var release = InstanceDocument.ReleaseSummary(url: document.url, name: "", version: "")
        do throws(ReleaseError) {
            let parsed = try shelf.release(document)
            (release.name, release.version) = (parsed.name, parsed.version)
        } catch {
            release.name = ""  // made by another version: the address says what it is
        }
        return release
    }

    private func moving(_ request: Request) -> InstanceDocument.Moving? {
        guard !request.moving.isEmpty || request.successor != nil else { return nil }
        let successor = request.successor
        return .init(
            reason: request.moving, to: successor.map { place($0.claim) }, attempt: successor?.attempt.value,
            state: successor?.status.state.rawValue)
    }

    func place(_ claim: ClaimReference) -> InstanceDocument.Place {
        .init(
            node: knownName(of: claim.machine), fingerprint: claim.machine.fingerprint, partition: "\(claim.partition)")
    }

    func knownName(of peer: PeerID) -> String {
        peer == own.peer ? own.name : self.peer.neighbours[peer]?.advertisement.name ?? peer.fingerprint
    }

    private func home(of key: RequestKey) -> String {
        peer.ledger(of: key).map { knownName(of: $0) } ?? ""
    }

    /// What this master has noted as held by masters that cannot be asked.
    ///
    /// - Parameters:
    ///   - customer: whose; nil for everybody's.
    ///   - found: requests that some master told all the same.
    ///   - missing: names of masters that did not answer.
    func unreachable(of customer: Customer?, besides found: [Request], missing: [String]) -> [UnreachableDocument] {
        let known = Set(found.map(\.key))
        return peer.notes(of: customer).filter { !known.contains($0.key) }.compactMap { note in
            let primary = peer.primary(of: note.home)
            let home = peer.neighbours[primary]
            let name = knownName(of: primary)
            guard home?.isLive != true || missing.contains(name) else { return nil }
            let what = home?.state == .left ? "has left" : "does not answer"
            return UnreachableDocument(
                customer: note.key.customer.name, reference: note.key.reference, home: knownName(of: note.home),
                reason: "held by master \(name), which \(what)")
        }
    }

    // MARK: The fabric

    var nodes: NodesDocument {
        let this = node(own, state: own.state.rawValue, reason: "", heard: 0, isSelf: true)
        let others = peer.neighbours.all.map { neighbour in
            let state: String
            var reason = ""
            switch neighbour.state {
            case .live: state = neighbour.advertisement.state.rawValue
            case .suspected: (state, reason) = (neighbour.advertisement.state.rawValue, neighbour.silence)
            case .failed: (state, reason) = (MachineState.failed.rawValue, "does not answer")
            case .left: state = MachineState.left.rawValue
            }
            let heard = DocumentCoding.age(of: neighbour.lastHeard, at: now)
            return node(neighbour.advertisement, state: state, reason: reason, heard: heard, isSelf: false)
        }
        return NodesDocument(nodes: ([this] + others).sorted { ($0.name, $0.peer) < ($1.name, $1.peer) })
    }

    private func node(
        _ advertisement: Advertisement, state: String, reason: String, heard: Int64, isSelf: Bool
    ) -> NodeDocument {
        NodeDocument(
            name: advertisement.name, fingerprint: advertisement.peer.fingerprint,
            peer: advertisement.peer.description, state: state, reason: reason, isMaster: advertisement.isMaster,
            isSelf: isSelf, capacity: advertisement.capacity, free: advertisement.free,
            memoryMiB: advertisement.memory.bytes >> 20, price: advertisement.price,
            endpoints: advertisement.endpoints.map(\.description), lastHeardSeconds: heard)
    }

    var masters: MastersDocument {
        var masters: [MasterDocument] = own.isMaster ? [master(own, state: "primary", reason: "", heard: 0)] : []
        for neighbour in peer.neighbours.all where neighbour.advertisement.isMaster {
            let (state, reason) =
                switch neighbour.state {
                case .live: ("primary", "")
                case .suspected: ("primary", neighbour.silence)
                case .failed: ("failed", "does not answer")
                case .left: ("left", "")
                }
            let heard = DocumentCoding.age(of: neighbour.lastHeard, at: now)
            masters.append(master(neighbour.advertisement, state: state, reason: reason, heard: heard))
        }
        return MastersDocument(masters: masters.sorted { ($0.name, $0.peer) < ($1.name, $1.peer) })
    }

    private func master(_ advertisement: Advertisement, state: String, reason: String, heard: Int64) -> MasterDocument {
        MasterDocument(
            name: advertisement.name, fingerprint: advertisement.peer.fingerprint,
            peer: advertisement.peer.description, state: state, reason: reason,
            isSelf: advertisement.peer == own.peer, api: api(of: advertisement),
            ledger: advertisement.ledger?.value ?? 0, leads: state == "primary" ? leads(of: advertisement) : [],
            lastHeardSeconds: heard)
    }

    /// Where users connect to a master.
    func api(of master: Advertisement) -> [String] {
        guard let port = master.apiPort else { return [] }
        return master.endpoints.map { Endpoint(host: $0.host, port: port).description }
    }

    /// - Parameter requests: those that the caller may see.
    func status(
        fabricFingerprint: String, requests: [Request], missing: [String],
        unreachable: [UnreachableDocument], pending: Int,
        problems: [DoctorDocument.Problem]
    ) -> StatusDocument {
        let (nodes, masters) = (nodes.nodes, masters.masters)
        let instances = requests.map { instance($0) }
        var attention: [StatusDocument.Attention] = problems.map {
            .init(subject: $0.code, state: "problem", reason: "\($0.message); \($0.remedy)")
        }
        for master in masters where master.state == "failed" {
            attention.append(.init(subject: "master \(master.name)", state: master.state, reason: master.reason))
        }
        attention += ledgerAttention
        for node in nodes where node.state == MachineState.failed.rawValue && !node.isMaster {
            attention.append(.init(subject: "node \(node.name)", state: node.state, reason: node.reason))
        }
        for instance in instances where !instance.isReached && !instance.reason.isEmpty {
            attention.append(
                .init(subject: "instance \(instance.reference)", state: instance.state, reason: instance.reason))
        }
        for request in unreachable {
            attention.append(
                .init(
                    subject: "instance \(request.reference)", state: InstanceState.unreachable.rawValue,
                    reason: request.reason))
        }
        if pending > 0 {
            attention.append(
                .init(
                    subject: "admissions", state: "pending",
                    reason: "\(pending) wait for approval: `palmier node list --pending`"))
        }
        let live = nodes.filter { $0.state != "failed" && $0.state != "left" }
        let liveMasters = masters.count { $0.state == "primary" }
        let waiting = instances.count { !$0.isReached }
        let sentence =
            "\(counted(liveMasters, "master")), \(counted(live.count, "machine")), "
            + "\(counted(instances.count, "request")), \(waiting) of them waiting"
            + (attention.isEmpty ? "" : "; \(counted(attention.count, "thing")) to look at")
        return StatusDocument(
            fabric: own.fabric, fabricFingerprint: fabricFingerprint, master: own.name,
            ledger: peer.ownLedger?.books.index.value ?? 0, sentence: sentence, isHealthy: attention.isEmpty,
            masters: tally(masters.map(\.state)), nodes: tally(nodes.map(\.state)),
            instances: tally(instances.map(\.state) + unreachable.map { _ in InstanceState.unreachable.rawValue }),
            partitions: live.map(\.capacity).reduce(0, +),
            partitionsFree: live.map(\.free).reduce(0, +), pendingAdmissions: pending,
            attention: Array(attention.prefix(100)), missing: missing, at: DocumentCoding.text(of: now))
    }

    private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    private func tally(_ words: [String]) -> [String: Int] {
        words.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
}

extension Neighbour {
    /// Why a suspected peer is one.
    fileprivate var silence: String {
        hasSpoken ? "silent, being probed" : "told of by others, not heard of itself yet"
    }
}
