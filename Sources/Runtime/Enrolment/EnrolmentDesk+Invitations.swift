public import Automata
public import Identity
import Ledger
import Peer

/// One-time tokens: made, and redeemed in the ledger before anything is signed for them.
extension EnrolmentDesk {
    /// Makes a one-time token.
    ///
    /// - Parameters:
    ///   - endpoints: where this master's peers and users connect; 1 to 8.
    ///   - name: what the invited must be called; needed for a person.
    public func invite(
        _ kind: IdentityKind, name: String? = nil, lifetime: Duration = Invitations.defaultLifetime,
        endpoints: [Endpoint], apiPort: UInt16
    ) async throws(Refusal) -> JoinToken {
        guard kind != .instance else {
            throw Refusal(.invalid, "instances are not invited", remedy: "invite a machine, a master or a person")
        }
        guard kind != .person || name != nil else {
            throw Refusal(.invalid, "a token for a person needs the person's name", remedy: "give --name USER@HOST")
        }
        guard lifetime > .zero, lifetime <= configuration.invitationMax else {
            throw Refusal(
                .invalid, "an invitation lives from a second to \(configuration.invitationMax.spoken)",
                remedy: "choose a shorter one; an hour is usual")
        }
        if kind == .master { try checkRoot(name ?? "a master") }
        guard (1...8).contains(endpoints.count) else {
            throw Refusal(.failed, "this master knows no address of its own", remedy: "start it with --listen ADDRESS")
        }
        let secret = JoinSecret()
        // Whole seconds, rounded up: the token carries no finer, and ledger and token must say the same.
        let expires = Instant(milliseconds: ((service.now + lifetime).milliseconds + 999) / 1_000 * 1_000)
        try await record(.invited(token: Self.digest(secret, kind, name), expires: expires))
        return JoinToken(
            kind: kind, endpoints: endpoints, apiPort: apiPort, rootDigest: trust.rootDigest, secret: secret,
            expires: expires)
    }

    func redeem(
        _ token: JoinToken, _ ask: EnrolmentAsk, at now: Instant
    ) async throws(Refusal) -> Enrolment {
        let peer = ask.request.peer
        guard token.rootDigest == trust.rootDigest else {
            throw Refusal(
                .refused, "the token is for another fabric, this is \(trust.name)", remedy: "ask its own master")
        }
        guard token.kind == ask.kind else {
            throw Refusal(
                .refused, "the token is for a \(token.kind.rawValue), not for a \(ask.kind.rawValue)",
                remedy: "ask for another: `palmier node invite --kind \(ask.kind.rawValue)`")
        }
        let books = await service.read { $0.ownLedger?.books }
        let digests = [Self.digest(token.secret, ask.kind, ask.name), Self.digest(token.secret, ask.kind, nil)]
        guard let digest = digests.first(where: { books?.token($0, at: now) ?? .unknown != .unknown }) else {
            throw Refusal(
                .refused,
                "master \(authority.name) gave no such token, or gave it for another name than \"\(ask.name)\"",
                remedy: "ask it for one with `palmier node invite`; a token is good at the master that gave it")
        }
        switch books?.token(digest, at: now) ?? .unknown {
        case .redeemed(let user) where user != peer:
            throw Refusal(
                .refused, "the token was used already, by \(user.fingerprint)",
                remedy: "ask for a new one with `palmier node invite`")
        case .expired(let at):
            throw Refusal(
                .refused, "the token expired \((now - at).spoken) ago",
                remedy: "ask for a new one with `palmier node invite`")
        case .unknown:
            throw Refusal(.refused, "no such token", remedy: "ask for one with `palmier node invite`")
        case .redeemed:
            return try await give(ask, by: .token, at: now)  // the answer to its first try was lost
        case .valid:
            break
        }
        // No suspension between this look and the note: of two who come at once one is first.
        guard redeeming[digest] == nil || redeeming[digest] == peer else {
            throw Refusal(
                .refused, "the token is being used just now, by another",
                remedy: "ask for a new one with `palmier node invite`")
        }
        redeeming[digest] = peer
        // Kept as long as the process: whoever looked at the ledger before the commit must find it, too. Given free again
        // only when the ledger did not take it.
        do throws(Refusal) {
            try await record(.redeemed(token: digest, by: peer))
        } catch {
            redeeming[digest] = nil
            throw error
        }
        guard await isRedeemed(digest, by: peer) else {
            throw Refusal(
                .refused, "the token was used already", remedy: "ask for a new one with `palmier node invite`")
        }
        return try await give(ask, by: .token, at: now)
    }

    private func isRedeemed(_ digest: Digest, by peer: PeerID) async -> Bool {
        let now = service.now
        return await service.read { $0.ownLedger?.books.token(digest, at: now) } == .redeemed(by: peer)
    }

    /// What the ledger keeps of a token: binds the secret to kind and name.
    private static func digest(_ secret: JoinSecret, _ kind: IdentityKind, _ name: String?) -> Digest {
        Digest(of: secret.bytes + Array("\u{0}\(kind.rawValue)\u{0}\(name ?? "")".utf8))
    }
}
