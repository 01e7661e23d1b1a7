public import Automata
import Foundation
public import Identity

/// The three steps by which a master is admitted, or its authority renewed, where the root's key is kept off-line.
///
///     master-to-be            where the root's key is          master-to-be
///     request(…) ─▶ PEM ─▶    sign(…) ─▶ JSON ─▶               accept(…), then `palmier master`
///
/// The private keys stay where they were made, each on its side. A request is made with the key that `palmier master`
/// asks with, so that both show the same fingerprint.
public enum OfflineAdmission {
    /// More is no request and no admission of ours: each is two or three certificates long.
    private static let fileBytesMax = 65_536

    /// Makes the request of this machine's authority, with its key if there is one.
    ///
    /// - Parameters:
    ///   - name: what the master is to be called; a member's own when nil or equal.
    ///   - fabric: nil takes the one that this machine knows, if any.
    public static func request(
        _ state: StateDirectory, name: String?, fallback: String, fabric: String?
    ) throws -> SigningRequest {
        let member = try membership(in: state)
        if let member, let name, name != member.name {
            throw Refusal(
                .invalid, "this machine is \"\(member.name)\" in fabric \(member.fabric), not \"\(name)\"",
                remedy: "leave --name out, or name another directory with --state")
        }
        let known = try knownFabric(in: state)
        let pinned = member?.trust ?? known
        if let pinned, let fabric, fabric != pinned.name {
            throw Refusal(
                .invalid, "\(state.path) belongs to fabric \(pinned.name), not \(fabric)",
                remedy: "leave --fabric out, or name another directory with --state")
        }
        return try SigningRequest(
            key: PrivateKey.loadOrCreate(at: state.authority + "/key.pem"), role: .authority,
            name: member?.name ?? name ?? fallback, fabric: pinned?.name ?? fabric ?? "")
    }

    /// Signs a request.
    ///
    /// - Parameter directory: holds the root: `key.pem`, `root.pem` and `fabric.json`, as `fabric create` wrote them.
    public static func sign(
        _ path: String, root directory: String, now: Instant
    ) throws -> (admission: MasterAdmission, request: SigningRequest) {
        guard FabricRoot.exists(in: directory) else {
            throw Refusal(
                .notFound, "\(directory) does not hold the root's key (\(directory)/key.pem)",
                remedy:
                    "name the directory that `palmier fabric create` made, STATE/root, with --root DIR, wherever it "
                    + "was moved to")
        }
        let request = try SigningRequest(pem: String(decoding: try read(path), as: UTF8.self))
        let root = try FabricRoot.load(from: directory)
        return (try MasterAdmission(admitting: request, by: root, now: now), request)
    }

    /// Makes this machine the admitted master: keeps the fabric, the authority, and its own certificate by it.
    ///
    /// A member's PeerID stays, whether it was an agent or a master. What is there stays when anything is wrong.
    public static func accept(_ path: String, _ state: StateDirectory, now: Instant) throws -> Credential {
        let admission = try MasterAdmission(json: try read(path))
        if let known = try knownFabric(in: state), known.rootDigest != admission.trust.rootDigest {
            throw Refusal(
                .refused,
                "the admission is for the fabric \(admission.trust.name) (\(admission.trust.fingerprint)), this machine "
                    + "knows \(known.name) (\(known.fingerprint))",
                remedy: "sign with the root of \(known.name), or name another directory with --state")
        }
        let keyPath = state.authority + "/key.pem"
        guard FileManager.default.fileExists(atPath: keyPath) else {
            throw Refusal(
                .notFound, "no request was made in \(state.path): there is no \(keyPath)",
                remedy: "make one with `palmier fabric request`, and have that one signed; or name its directory with "
                    + "--state")
        }
        let authority = try admission.authority(key: PrivateKey.load(from: keyPath), now: now)
        if let member = try membership(in: state), member.name != authority.name {
            throw Refusal(
                .refused, "the admission is for \"\(authority.name)\", this machine is \"\(member.name)\"",
                remedy: "make the request anew with `palmier fabric request`")
        }
        let key = try PrivateKey.loadOrCreate(at: state.identity + "/key.pem")
        let credential = try authority.issueOwn(key: key, now: now)
        try authority.save(to: state.authority)
        try credential.save(to: state.identity)
        return credential
    }

    // MARK: Files

    private static func membership(in state: StateDirectory) throws -> Credential? {
        guard FileManager.default.fileExists(atPath: state.identity + "/chain.pem") else { return nil }
        return try Credential.load(from: state.identity)
    }

    /// The fabric that this machine is in, or that it found when it asked to join.
    private static func knownFabric(in state: StateDirectory) throws -> FabricTrust? {
        guard FileManager.default.fileExists(atPath: state.identity + "/root.pem") else { return nil }
        return try FabricTrust.load(from: state.identity)
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let content: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }  // read only: nothing can be lost
            content = try file.read(upToCount: fileBytesMax + 1) ?? Data()
        } catch {
            throw Refusal(
                .notFound, "\(path) cannot be read: \(error.localizedDescription)", remedy: "check the file's path")
        }
        guard content.count <= fileBytesMax else {
            throw Refusal(.invalid, "\(path) is larger than 64 KiB", remedy: "it is no file of ours")
        }
        return Array(content)
    }
}
