import AsyncHTTPClient
public import Automata
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// What a master answered with a problem, or that none answered: with the exit code that it means.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    public var problem: ProblemDocument

    public init(_ problem: ProblemDocument) {
        self.problem = problem
    }

    public init(_ code: Refusal.Code, _ message: String, remedy: String = "") {
        problem = ProblemDocument(code, message, remedy: remedy)
    }

    public var exitCode: ExitCode { problem.exitCode }
    public var description: String { problem.description }

    /// Nobody answered at any of the addresses.
    static func unreachable(_ attempts: [String]) -> ClientError {
        guard !attempts.isEmpty else {
            return ClientError(
                .unreachable, "no master is known here",
                remedy: "start one with `palmier master`, or name one with --master HOST:PORT")
        }
        return ClientError(
            .unreachable, "no master answers: \(attempts.joined(separator: "; "))",
            remedy: "start one with `palmier master`, name another with --master HOST:PORT, or run `palmier doctor`")
    }

    /// A transport error in a person's words.
    public static func cause(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError:
            if error == .connectTimeout { return "no connection in time" }
            if error == .deadlineExceeded || error == .readTimeout { return "no answer in time" }
            if error == .remoteConnectionClosed { return "the connection was closed" }
            return error.shortDescription
        case let error as NIOConnectionError:
            return error.connectionErrors.first.map { cause($0.error) } ?? "the name \(error.host) has no address"
        case let error as IOError:
            return String(cString: strerror(error.errnoCode)).lowercased()
        case NIOSSLError.handshakeFailed(let error): return cause(error)
        case let error as BoringSSLError: return cause(error)
        default:
            return "\(error)"
        }
    }

    private static func cause(_ error: BoringSSLError) -> String {
        let text = "\(error)"
        // What a peer's port says to whoever has no certificate; users' ports let strangers in to ask.
        if text.contains("CERTIFICATE_REQUIRED") { return "it speaks to peers there, not to users" }
        guard text.contains("CERTIFICATE_VERIFY_FAILED") else { return "it does not speak TLS as a master does" }
        let now = Date.now.formatted(.iso8601)
        return "its certificate is of another fabric, or not valid by this machine's clock, which says \(now): "
            + "compare date -u on both"
    }
}
