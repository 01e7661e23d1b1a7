/// How facts are written into a replicated log and read from it: the codec lies above the pure targets, which are handed it.
///
/// Both are pure functions: the same fact is the same bytes, and the same bytes are the same fact on every replica.
public struct FactCoding: Sendable {
    public let encode: @Sendable (Fact) -> [UInt8]
    /// nil: no fact that this version knows.
    public let decode: @Sendable ([UInt8]) -> Fact?

    public init(
        encode: @escaping @Sendable (Fact) -> [UInt8], decode: @escaping @Sendable ([UInt8]) -> Fact?
    ) {
        self.encode = encode
        self.decode = decode
    }
}
