import Automata
import Foundation
import Testing

@testable import Identity

/// A fabric with one master and one machine, at a fixed instant.
struct Lab {
    static let now = Instant(milliseconds: 1_760_000_000_000)
    let root: FabricRoot
    let authority: Authority
    let master: Credential
    let machine: Credential

    init(fabric: String = "lab", now: Instant = Lab.now) throws {
        root = try FabricRoot.create(name: fabric, policy: .link, now: now)
        authority = try root.makeAuthority(name: "alpha", now: now)
        master = try authority.issueOwn(key: PrivateKey(), now: now)
        machine = try Self.admit(name: "worker 1", by: authority, now: now)
    }

    static func admit(
        name: String, kind: IdentityKind = .machine, by authority: Authority, key: PrivateKey = PrivateKey(),
        lifetime: Duration? = nil, now: Instant = Lab.now
    ) throws -> Credential {
        let request = try SigningRequest(key: key, role: .identity(kind), name: name)
        let chain = try authority.issue(request, kind: kind, name: name, lifetime: lifetime, now: now)
        return try Credential(key: key, chain: chain, trust: authority.trust)
    }
}

/// Hands over a directory of its own, and removes it afterwards.
func withDirectory(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("palmier-identity-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
}

func mode(of path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
}

func code(of body: () throws -> Void) -> IdentityError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? IdentityError)?.code
    }
}
