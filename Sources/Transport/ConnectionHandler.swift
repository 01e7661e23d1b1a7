import Automata
import Identity
import NIOCore
import NIOSSL
import NIOTLS

/// The last handler of a connection's pipeline: TLS events and bytes in, `Links` inputs out. Lives on the event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Stage {
        case securing
        case greeting
        case open
        /// Nothing that comes is read any more.
        case finished
    }

    let id: ConnectionID
    private let core: TransportCore
    private var stage = Stage.securing
    private var decoder: FrameDecoder
    /// Set by the verification, before TLS completes.
    private var verified: VerifiedIdentity?
    /// The first reason wins: what follows are its consequences.
    private var end: ConnectionEnd?

    init(id: ConnectionID, core: TransportCore) {
        self.id = id
        self.core = core
        decoder = FrameDecoder(limit: core.configuration.limits.frameBytes)
    }

    /// Called by the TLS handler when the other side has shown its certificates.
    func verify(_ chain: [NIOSSLCertificate]) -> NIOSSLVerificationResult {
        switch core.verify(TLSSettings.encoded(chain)) {
        case .success(let identity):
            verified = identity
            return .certificateVerified
        case .failure(let refusal):
            note(.rejected(.identity(refusal)))
            return .failed
        }
    }

    /// Remembers why the connection ends, unless a reason is known already.
    func note(_ reason: ConnectionEnd) {
        if end == nil { end = reason }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let name)? = event as? TLSUserEvent, stage == .securing else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard name == TLSSettings.protocolName else {
            return finish(context, .rejected(.wrongProtocol(name ?? "")))
        }
        guard let verified else {
            // A resumed session skips the verification; ours never ask for one.
            return finish(context, .rejected(.noCertificate))
        }
        stage = .greeting
        core.step(.secured(id, verified))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard stage != .finished else { return }
        decoder.append(unwrapInboundIn(data))
        do throws(OversizeFrame) {
            while stage != .finished, let frame = try decoder.next() {
                onFrame(frame, context)
            }
        } catch {
            let reason: ConnectionEnd =
                stage == .open
                ? .ended(.oversizeFrame(error.size)) : .rejected(.garbage("it has \(error.size) bytes"))
            finish(context, reason)
        }
    }

    private func onFrame(_ frame: Frame, _ context: ChannelHandlerContext) {
        switch (stage, frame) {
        case (.greeting, .payload(let payload)):
            do throws(RejectionReason) {
                let greeting = try Greeting(payload: payload)
                _ = try greeting.agree(with: core.greeting(), tolerance: core.configuration.limits.clockTolerance)
                stage = .open
                core.step(.greeted(id, greeting))
            } catch {
                finish(context, .rejected(error))
            }
        case (.greeting, .farewell):
            finish(context, .ended(.closedByPeer))
        case (.open, .payload(let payload)):
            core.step(.received(id, payload))
        case (.open, .farewell):
            stage = .finished
            core.step(.farewelled(id))
        case (.securing, _), (.finished, _):
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        note(stage == .open || stage == .finished ? .ended(.lost("\(error)")) : handshakeFailure(error))
        context.close(promise: nil)
    }

    /// The end of the channel, also of one that was closed before it became active.
    func handlerRemoved(context: ChannelHandlerContext) {
        let lost = ConnectionEnd.ended(.lost("the connection broke without a farewell"))
        var fallback = lost
        if case .dialled = id, stage == .greeting {
            // In TLS 1.3 the client is done before the server has looked at its certificate.
            fallback = .rejected(.refusedByRemote(alert: "it closed after our certificate", hint: core.flawOfOwn()))
        }
        stage = .finished
        core.onInactive(id, end ?? fallback)
    }

    /// Stops reading and closes.
    private func finish(_ context: ChannelHandlerContext, _ reason: ConnectionEnd) {
        stage = .finished
        note(reason)
        context.close(promise: nil)
    }

    private func handshakeFailure(_ error: any Error) -> ConnectionEnd {
        let text = "\(error)"
        if text.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE") { return .rejected(.noCertificate) }
        if text.contains("_ALERT_") {
            return .rejected(.refusedByRemote(alert: alertName(in: text), hint: core.flawOfOwn()))
        }
        if error is NIOSSLError || error is BoringSSLError {
            if text.contains("eofDuringHandshake") || text.contains("EOF during handshake")
                || text.contains("uncleanShutdown")
            {
                return .ended(.lost("the connection ended during the handshake"))
            }
            return .rejected(.tls(text))
        }
        return .ended(.lost(text))
    }

    /// `TLSV1_ALERT_UNKNOWN_CA` out of BoringSSL's error text.
    private func alertName(in text: String) -> String {
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        return words.first { $0.contains("_ALERT_") }.map { $0.lowercased() } ?? "TLS alert"
    }
}
