import Automata
import Foundation
import Hummingbird
import Logging
import NIOCore
import Runtime
import Synchronization

/// What every request carries: the logger, and the connection that it came over.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// One request while it is answered.
struct Exchange {
    let request: Hummingbird.Request
    let context: APIContext
    let caller: Caller
    /// Read whole before a handler runs; empty for a read.
    let bytes: [UInt8]
    /// The same as text; empty where octets are sent.
    let body: String
    private let query: [String: String]

    /// What a route takes as a body.
    enum Content: Sendable {
        /// One JSON object, or nothing.
        case document
        /// One JSON object that may be larger than most.
        case largeDocument(bytesMax: Int)
        case octets(bytesMax: Int)
    }

    /// The largest document that is read.
    static let bodyBytesMax = 256 << 10

    init(
        _ request: Hummingbird.Request, _ context: APIContext, caller: Caller, route: Route
    ) async throws(ProblemDocument) {
        let knownQuery = route.query
        self.context = context
        self.caller = caller
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            guard knownQuery.contains(String(name)) else {
                throw ProblemDocument(
                    .invalid, "\(name): unknown query parameter",
                    remedy: knownQuery.isEmpty
                        ? "none is known here" : "known here: \(knownQuery.joined(separator: ", "))",
                    field: String(name))
            }
            query[String(name)] = String(value)
        }
        self.query = query
        var request = request
        bytes = try await Self.read(&request, route.content)
        switch route.content {
        case .octets: body = ""
        case .document, .largeDocument:
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ProblemDocument(.invalid, "the body is not UTF-8", remedy: "send one JSON object")
            }
            body = text
        }
        self.request = request
    }

    private static func read(
        _ request: inout Hummingbird.Request, _ content: Content
    ) async throws(ProblemDocument) -> [UInt8] {
        do {
            switch content {
            case .document:
                return Array(try await request.collectBody(upTo: bodyBytesMax).readableBytesView)
            case .largeDocument(let bytesMax), .octets(let bytesMax):
                return Array(try await request.collectBody(upTo: bytesMax).readableBytesView)
            }
        } catch {
            switch content {
            case .document:
                throw ProblemDocument(
                    .invalid, "the body could not be read, or is larger than \(bodyBytesMax) bytes",
                    remedy: "move large content into an archive", status: 413)
            case .largeDocument(let bytesMax):
                throw ProblemDocument(
                    .invalid, "the body could not be read, or is larger than \(bytesMax) bytes",
                    remedy: "send one JSON object of at most that size", status: 413)
            case .octets(let bytesMax):
                let found = request.headers[.contentLength].flatMap { Int($0) }
                if let found, found <= bytesMax {
                    throw ProblemDocument(.invalid, "the body could not be read", remedy: "send it again")
                }
                throw Bounds.tooLarge(found)
            }
        }
    }

    /// A part of the path, decoded.
    func part(_ name: String) throws(ProblemDocument) -> String {
        guard let raw = context.parameters.get(name), let text = raw.removingPercentEncoding, !text.isEmpty else {
            throw ProblemDocument(.invalid, "\(name): not percent-encoded UTF-8", field: name)
        }
        return text
    }

    func text(_ name: String) -> String? { query[name] }

    func flag(_ name: String) throws(ProblemDocument) -> Bool {
        switch query[name] {
        case nil, "false", "0": return false
        case "true", "1", "": return true
        case .some(let value):
            throw ProblemDocument(.invalid, "\(name): expected true or false, found \"\(value)\"", field: name)
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(ProblemDocument) -> Int64? {
        guard let text = query[name] else { return nil }
        guard let value = Int64(text), range.contains(value) else {
            throw ProblemDocument(
                .invalid,
                "\(name): expected an integer from \(range.lowerBound) to \(range.upperBound), found \"\(text)\"",
                field: name)
        }
        return value
    }

    func seconds(_ name: String) throws(ProblemDocument) -> Duration? {
        guard let text = query[name] else { return nil }
        guard let value = Double(text), (0...RequestWish.waitMax).contains(value) else {
            throw ProblemDocument(
                .invalid, "\(name): expected seconds from 0 to \(Int(RequestWish.waitMax)), found \"\(text)\"",
                field: name)
        }
        return .milliseconds(Int64(value * 1_000))
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Word.Type
    ) throws(ProblemDocument) -> Word? where Word.RawValue == String {
        guard let text = query[name] else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw ProblemDocument(.invalid, "\(name): expected one of \(words), found \"\(text)\"", field: name)
        }
        return word
    }
}

/// What a handler answers.
struct Answer {
    var status = 200
    var type = "application/json"
    var body: Data

    init(_ document: some Encodable, status: Int = 200) throws {
        self.status = status
        body = try DocumentCoding.encode(document)
    }

    init(text: String, type: String) {
        self.type = type
        body = Data(text.utf8)
    }

    init(bytes: [UInt8]) {
        type = "application/octet-stream"
        body = Data(bytes)
    }

    init(problem: ProblemDocument) {
        status = problem.status
        type = "application/problem+json"
        do {
            body = try DocumentCoding.encode(problem)
        } catch {
            body = Data("{}".utf8)  // strings and integers alone are always encodable
        }
    }

    init(status: Int, body: Data) {
        self.status = status
        self.body = body
    }

    var response: Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}
