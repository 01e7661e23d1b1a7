public import API
import AsyncHTTPClient
import Automata
import NIOCore
import NIOHTTP1
public import Releases

/// Reads the release document that a request names, on this machine, so that the master needs no path of ours.
public enum ReleaseSource {
    /// - Parameter reference: `file:…`, a path, or `https://…#sha256=…`.
    public static func read(
        _ reference: String
    ) async throws -> (text: RequestDocument.ReleaseText, release: Release) {
        let document = try await ReleaseReference(reference).read { try await fetch($0) }
        let release = try Release.parse(text: document.text, origin: document.url)
        return (RequestDocument.ReleaseText(url: document.url, text: document.text), release)
    }

    private static func fetch(_ url: String) async throws -> [UInt8] {
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(30))
        guard response.status.code == 200 else {
            throw Refusal(.failed, "the server answered \(response.status)")
        }
        // One byte more than is allowed, so that whoever reads it sees that it is too much.
        return Array(try await response.body.collect(upTo: Release.textBytesMax + 1).readableBytesView)
    }
}
