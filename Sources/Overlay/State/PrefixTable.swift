struct PrefixTable: Sendable {
    static let digitBits = 4
}
