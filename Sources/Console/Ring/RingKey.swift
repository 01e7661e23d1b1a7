public import Automata
import Overlay

/// A place on the ring as people write it.
public enum RingKey {
    /// - Parameter isName: the text is any name, whose hash is the key.
    /// - Throws: `Refusal` `invalid` with what was found.
    public static func read(_ text: String, isName: Bool) throws(Refusal) -> PeerID {
        guard !text.isEmpty else {
            throw Refusal(.invalid, "KEY is empty", remedy: "write 32 hexadecimal digits, or a name with --name")
        }
        if isName { return PeerID(hashing: text.utf8) }
        guard let key = PeerID(text) else {
            let isHexadecimal = text.allSatisfy { $0.isASCII && $0.isHexDigit }
            let found = isHexadecimal ? Wording.count(text.count, "digit") : "\"\(text.prefix(64))\""
            throw Refusal(
                .invalid, "KEY: expected 32 hexadecimal digits, found \(found)",
                remedy: isHexadecimal
                    ? "copy it whole, or add --name if it is a name" : "for the key of a name add --name")
        }
        return key
    }
}
