import Automata
import Foundation
import Identity
import NIOHTTP1
import Neighbours
import Releases
import Replication
import Runtime
import Testing

@testable import API
@testable import Peer

@Suite("Ledgers over HTTP")
struct LedgerTests {
    // MARK: Routes

    @Test("a ledger is found by its name, its id and its fingerprint; one that is none, with the nearest name")
    func finding() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let id = stage.master.peer
                for text in ["alpha", id.description, id.fingerprint] {
                    let ledger = try await client.ledger(text)
                    #expect(ledger.name == "alpha" && ledger.id == id.description && ledger.role == "primary")
                }
                let near = try await problem { try await client.ledger("alpah") }
                #expect(near.exitCode == .notFound && near.remedy == "did you mean \"alpha\"?")
                let far = try await problem { try await client.ledger("nonsense") }
                #expect(far.exitCode == .notFound && far.remedy.contains("palmier ledger status"))
            }
        }
    }

    @Test("every member of the fabric looks, and no stranger")
    func rights() async throws {
        try await Stage.with { (stage) async throws in
            let machine = try stage.member("worker", .machine)
            for path in ["/v1/ledgers", "/v1/ledgers/alpha"] {
                #expect(try await stage.raw(.GET, path, as: .member(machine)).status == 200, "\(path)")
                #expect(try await stage.raw(.GET, path).status == 200, "\(path)")
                #expect(try await stage.raw(.GET, path, as: .stranger).status == 401, "\(path)")
            }
        }
    }

    @Test("a ledger that has all replicas wanted is ok, and nothing stands in the way of health")
    func well() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let all = try await client.ledgers()
                let ledger = try #require(all.ledgers.first)
                #expect(all.ledgers.count == 1 && all.elsewhere.isEmpty && all.master == "alpha")
                #expect(ledger.health == .ok && ledger.reasons.isEmpty && ledger.remedy.isEmpty)
                #expect(ledger.primary == "alpha" && ledger.standing == 0 && ledger.wanted == 0)
                #expect(ledger.members.map(\.state) == ["primary"] && ledger.members.first?.behind == 0)
                #expect(all.exitCode == .done)
                #expect(try await client.status().isHealthy)
                #expect(try await client.masters().masters.map(\.leads) == [["alpha"]])
            }
        }
    }

    @Test("a master alone says that its ledger is degraded, why, and what to do: in its document and in the status")
    func alone() async throws {
        try await Stage.with(replicas: 2) { (stage) async throws in
            try await stage.client { (client) async throws in
                let ledger = try await client.ledger("alpha")
                #expect(ledger.health == .degraded && ledger.standing == 0 && ledger.wanted == 2)
                #expect(ledger.reasons == ["no other master is there: start 2 more with `palmier master`"])
                #expect(ledger.remedy.contains("2 more masters") && ledger.remedy.contains("--replicas 0"))
                #expect(ledger.replaceAfterSeconds == 60 && ledger.exitCode == .accepted)
                let status = try await client.status()
                let attention = try #require(status.attention.first)
                #expect(attention.subject == "ledger alpha" && attention.state == "degraded" && !status.isHealthy)
                #expect(attention.reason.hasPrefix("0 of 2 replicas: no other master"), "\(attention.reason)")
            }
        }
    }

    @Test("metrics tell of each ledger how many replicas stand and are wanted, how far it is, and who leads")
    func metrics() async throws {
        try await Stage.with(replicas: 2) { (stage) async throws in
            let text = try await stage.raw(.GET, "/metrics").body
            let labels = "{ledger=\"alpha\",id=\"\(stage.master.peer)\"}"
            for line in [
                "palmier_ledger_replicas\(labels) 0", "palmier_ledger_replicas_wanted\(labels) 2",
                "palmier_ledger_leads\(labels) 1",
            ] { #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)") }
            #expect(text.contains("palmier_ledger_commit\(labels) ") && text.contains("# TYPE palmier_ledger_commit"))
        }
        #expect(Metrics.escaped("a\"b\\c\nd") == #"a\"b\\c\nd"#)
    }

    // MARK: Documents

    @Test("each replica has its state, what it lacks and when it was heard; the primary's reasons are its own")
    func members() async throws {
        let views = try await views()
        let now = views.now
        var status = Self.status(of: views, commit: 5_000)
        status.replicas = [
            Self.replica(views.peer.id, "alpha", .primary, 5_001, now),
            Self.replica(PeerID(0xB0), "beta", .replica, 4_998, now - .seconds(2)),
            Self.replica(PeerID(0xC0), "gamma", .learner, 12, now),
            Self.replica(PeerID(0xD0), "delta", .replica, 4_000, now - .seconds(40), isPresent: false),
        ]
        status.health = .degraded
        status.reasons = ["delta is away for 40 s"]
        let document = views.ledger(status)
        #expect(document.members.map(\.state) == ["primary", "replica", "catching up", "failed"])
        #expect(document.members.map(\.behind) == [0, 2, 4_988, 1_000])
        #expect(document.members.map(\.heardSeconds) == [0, 2, 0, 40])
        #expect(document.standing == 2 && document.view == "3.7" && document.op == 5_001 && document.commit == 5_000)
        #expect(document.reasons == ["delta is away for 40 s"])
        #expect(document.remedy == "start delta again, or another master: it is let in by itself")
    }

    @Test("a replica that follows does not know how far others are; it says who does not answer, and whom to ask")
    func follower() async throws {
        let views = try await views()
        var status = Self.status(of: views, commit: 9)
        status.role = .replica
        status.primary = Self.beta.peer
        status.replicas = [
            Self.replica(Self.beta.peer, "beta", .primary, nil, nil),
            Self.replica(views.peer.id, "alpha", .replica, 9, views.now),
            Self.replica(PeerID(0xD0), "delta", .replica, 0, nil, isPresent: false),
        ]
        status.health = .degraded
        status.reasons = ["its primary knows why: ask beta"]
        let document = views.ledger(status)
        #expect(document.primary == "beta" && document.role == "replica")
        #expect(document.members[0].behind == nil && document.members[0].heardSeconds == nil)
        #expect(document.members[2].behind == nil, "what a silent one has is not known")
        #expect(document.reasons == ["delta does not answer", "its primary knows why: ask beta"])
    }

    @Test("without a majority it is unavailable, with the masters to start again")
    func unavailable() async throws {
        let views = try await views()
        var status = Self.status(of: views, commit: 9)
        status.role = .replica
        status.primary = nil
        status.replicas = [
            Self.replica(views.peer.id, "alpha", .replica, 9, views.now),
            Self.replica(PeerID(0xC0), "gamma", .replica, nil, nil, isPresent: false),
            Self.replica(PeerID(0xD0), "delta", .replica, nil, nil, isPresent: false),
        ]
        status.health = .unavailable
        let document = views.ledger(status)
        #expect(document.primary.isEmpty && document.exitCode == .failed)
        #expect(document.remedy.hasPrefix("start delta, gamma again: a majority of its replicas must run; only if"))
        #expect(document.remedy.contains("`palmier ledger restore LEDGER --from DIR`"), "the last resort")
    }

    @Test("a replica that was left behind when its ledger was restored says that it is fenced, and what to do")
    func fenced() async throws {
        let views = try await views()
        var status = Self.status(of: views, commit: 9)
        status.role = .learner
        status.primary = Self.beta.peer
        status.replicas = [
            Self.replica(views.peer.id, "alpha", .learner, 9, views.now),
            Self.replica(Self.beta.peer, "beta", .replica, nil, nil),
        ]
        (status.health, status.fencedAt, status.reasons) = (.degraded, OpNumber(7), ["it is fenced"])
        let document = views.ledger(status)
        #expect(document.members[0].state == "fenced" && !document.members[0].isStanding)
        #expect(document.reasons == ["it is fenced"] && document.exitCode == .accepted)
        #expect(document.remedy.contains("STATE/ledgers/\(views.peer.id)"), "\(document.remedy)")
    }

    @Test("a ledger without a replica here is told of, with its primary and where that answers users")
    func elsewhere() async throws {
        var beta = Self.beta
        beta.leads = [
            LedgerLead(ledger: beta.peer, epoch: 1, view: 1, members: 3),
            LedgerLead(ledger: PeerID(0xE0), epoch: 1, view: 4, members: 3),
            LedgerLead(ledger: PeerID(0xF0), epoch: 1, view: 4, members: 3, name: "zoo"),
        ]
        let views = try await views(knowing: beta)
        let other = PeerID(0xE0)
        #expect(
            views.ledgers.elsewhere == [
                .init(name: "beta", id: beta.peer.description, primary: "beta", api: ["10.0.0.2:7001"]),
                .init(name: other.fingerprint, id: other.description, primary: "beta", api: ["10.0.0.2:7001"]),
                .init(name: "zoo", id: PeerID(0xF0).description, primary: "beta", api: ["10.0.0.2:7001"]),
            ])
        let problem = #expect(throws: ProblemDocument.self) { _ = try views.ledger(named: "beta") }
        #expect(problem?.exitCode == .notFound && problem?.remedy == "ask beta, --master 10.0.0.2:7001")
        let masters = views.masters.masters
        #expect(masters.first { $0.name == "beta" }?.leads == ["beta", other.fingerprint, "zoo"])
    }

    // MARK: Helpers

    private static let beta = Advertisement(
        peer: PeerID(0xB0), incarnation: Incarnation(1), name: "beta", fabric: "lab",
        endpoints: [Endpoint(host: "10.0.0.2", port: 7_000)], apiPort: 7_001)

    /// Of a master that has met another.
    private func views(knowing other: Advertisement = beta) async throws -> Views {
        let service = FakePeerService(id: PeerID(0xA0), name: "alpha", apiPort: 7_001)
        await service.start()
        await service.meet(other, saying: .neighbour(.hello(other)))
        let views = Views(peer: await service.snapshot(), now: service.now, shelf: ReleaseShelf())
        await service.stop()
        #expect(views.peer.neighbours[other.peer]?.isLive == true)
        return views
    }

    private static func status(of views: Views, commit: UInt64) -> LedgerStatus {
        LedgerStatus(
            ledger: views.peer.id, name: "alpha", founder: "alpha", role: .primary, primary: views.peer.id,
            view: View(epoch: 3, number: 7), op: OpNumber(commit + 1), commit: OpNumber(commit), replicas: [],
            wanted: 2, minimum: 0, absence: .seconds(60), health: .ok, reasons: [])
    }

    private static func replica(
        _ peer: PeerID, _ name: String, _ role: LedgerStatus.Role, _ op: UInt64?, _ heard: Instant?,
        isPresent: Bool = true
    ) -> LedgerStatus.Replica {
        LedgerStatus.Replica(
            peer: peer, name: name, role: role, op: op.map { OpNumber($0) }, heardAt: heard, isPresent: isPresent)
    }
}
