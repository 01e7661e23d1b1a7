public import Automata
import Foundation

/// Where a release document is: `file:…`, a plain path, or `https://…#sha256=…`.
///
/// A document from elsewhere must come with its digest, so that what is run is what was meant, whoever serves it.
public enum ReleaseReference: Hashable, Sendable, CustomStringConvertible {
    /// Absolute, or relative to the reader's working directory.
    case file(path: String)
    case https(url: String, sha256: Digest)

    public init(_ text: String) throws(ReleaseError) {
        if text.hasPrefix("https://") {
            let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[1].hasPrefix("sha256=") else {
                throw ReleaseError(
                    .badReference, origin: text, "a release from elsewhere needs its digest",
                    remedy: "append #sha256= and the 64 digits that sha256sum prints for the document")
            }
            guard let sha256 = Digest(hexadecimal: String(parts[1].dropFirst("sha256=".count))) else {
                throw ReleaseError(
                    .badReference, origin: text, "the digest is not 64 hexadecimal digits",
                    remedy: "take the 64 digits that sha256sum prints for the document")
            }
            self = .https(url: String(parts[0]), sha256: sha256)
            return
        }
        var path = text
        if text.hasPrefix("file://") {
            path = String(text.dropFirst("file://".count))
            guard path.hasPrefix("/") else {
                throw ReleaseError(
                    .badReference, origin: text, "a file: URL with a host", remedy: "write file:///path or file:path")
            }
        } else if text.hasPrefix("file:") {
            path = String(text.dropFirst("file:".count))
        } else if let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") {
            throw ReleaseError(
                .badReference, origin: text, "\"\(text[..<colon])\" URLs are not read",
                remedy: "use a file, or https: with #sha256=…")
        }
        guard !path.isEmpty else {
            throw ReleaseError(.badReference, origin: text, "no path", remedy: "name the release's YAML file")
        }
        self = .file(path: path)
    }

    public var description: String {
        switch self {
        case .file(let path): "file:\(path)"
        case .https(let url, let sha256): "\(url)#sha256=\(sha256)"
        }
    }

    /// Reads the document, without parsing it.
    ///
    /// - Parameter fetch: gets the body of an https URL; may give up beyond `Release.textBytesMax`.
    public func read(
        fetch: (_ url: String) async throws -> [UInt8]
    ) async throws(ReleaseError) -> ReleaseDocument {
        let bytes: [UInt8]
        switch self {
        case .file(let path):
            do {
                let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                defer { try? handle.close() }
                bytes = Array(try handle.read(upToCount: Release.textBytesMax + 1) ?? Data())
            } catch {
                throw ReleaseError(
                    .unreadable, origin: path, "cannot be read: \(Self.cause(error))",
                    remedy: "check the path; a relative one starts at the working directory")
            }
        case .https(let url, let sha256):
            do {
                bytes = try await fetch(url)
            } catch {
                throw ReleaseError(
                    .unreadable, origin: url, "cannot be fetched: \(error)", remedy: "check the URL and the network")
            }
            let found = Digest(of: bytes)
            guard found == sha256 else {
                throw ReleaseError(
                    .wrongDigest, origin: url, "expected SHA-256 \(sha256), found \(found)",
                    remedy: "the document has changed: look at it, then use the new digest")
            }
        }
        guard bytes.count <= Release.textBytesMax else {
            throw ReleaseError(
                .badValue, origin: description, "the document is larger than \(Release.textBytesMax) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ReleaseError(.notYAML, origin: description, "the document is not UTF-8 text")
        }
        return ReleaseDocument(url: description, text: text)
    }

    private static func cause(_ error: any Error) -> String {
        let cocoa = error as NSError
        if let posix = cocoa.userInfo[NSUnderlyingErrorKey] as? NSError {
            return String(cString: strerror(Int32(posix.code)))
        }
        return cocoa.localizedDescription
    }
}
