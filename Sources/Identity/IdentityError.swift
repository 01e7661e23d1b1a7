/// An error of keys, certificates or their files: what happened, and what to do.
public struct IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// A fabric's or a peer's name breaks the rules.
        case invalidName
        /// A private key can be read by others.
        case keyExposed
        /// A private key, certificate or document cannot be understood.
        case malformed
        /// A file or directory cannot be read or written.
        case storage
        /// There is none yet.
        case missing
        /// A signing request is wrong, or asks for what this authority does not give.
        case requestRefused
        /// Key, certificates and trust do not belong together.
        case mismatch
        /// The authority's own certificate has run out.
        case authorityExpired
        /// The cryptographic library refused to sign.
        case signing
    }

    public var code: Code
    public var message: String
    public var remedy: String

    public init(_ code: Code, _ message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}
