public import Automata

/// A place on the ring: 128 bits, read as 32 digits of 4 bits. A peer's id is its own key.
public typealias Key = PeerID

extension PeerID {
    /// The key of a name: the first 128 bits of its SHA-256.
    public init(hashing name: some Sequence<UInt8>) {
        self.init(publicKeyDigest: Digest(of: name))
    }

    /// The id as one number.
    var number: UInt128 { UInt128(high) << 64 | UInt128(low) }

    /// How far it is from here to `other` going up, around the ring.
    func clockwise(to other: PeerID) -> UInt128 { other.number &- number }

    /// How far it is to `other` by the shorter way around the ring: by this a key's root is decided.
    func ringDistance(to other: PeerID) -> UInt128 {
        let up = other.number &- number
        return min(up, 0 &- up)
    }

    /// Whether this id is nearer to `key` than `other` is; of two at the same distance the smaller id, so that all
    /// peers decide alike.
    public func isCloser(to key: Key, than other: PeerID) -> Bool {
        let mine = ringDistance(to: key)
        let its = other.ringDistance(to: key)
        return mine != its ? mine < its : self < other
    }

    /// How many leading digits both share; 32 when they are equal.
    @inline(__always)
    func sharedDigits(with other: PeerID) -> Int {
        let difference = high ^ other.high
        if difference != 0 { return difference.leadingZeroBitCount / PrefixTable.digitBits }
        return 16 + (low ^ other.low).leadingZeroBitCount / PrefixTable.digitBits
    }

    /// The digit at `index`, which is below 32, counted from the most significant.
    @inline(__always)
    func digit(at index: Int) -> Int {
        let half = index < 16 ? high : low
        return Int((half >> UInt64(60 - PrefixTable.digitBits * (index & 15))) & 15)
    }
}
