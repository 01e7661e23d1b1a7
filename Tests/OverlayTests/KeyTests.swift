import Automata
import Testing

@testable import Overlay

@Suite struct KeyTests {
    @Test("digits are read from the most significant on, four bits each")
    func digits() {
        let id = PeerID(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
        #expect((0..<16).allSatisfy { id.digit(at: $0) == $0 })
        #expect((16..<32).allSatisfy { id.digit(at: $0) == 31 - $0 })
    }

    @Test("shared digits are counted over both halves; equal ids share all 32")
    func sharedDigits() {
        let id = PeerID(high: 0x1234_0000_0000_0000, low: 7)
        #expect(id.sharedDigits(with: PeerID(high: 0x1235_0000_0000_0000, low: 7)) == 3)
        #expect(id.sharedDigits(with: PeerID(high: 0x1234_0000_0000_0000, low: 6)) == 31)
        #expect(id.sharedDigits(with: id) == 32)
    }

    @Test("distance goes the shorter way around the ring")
    func ringDistance() {
        #expect(PeerID(0xff).ringDistance(to: PeerID(0x01)) == PeerID(0x02).number)
        #expect(PeerID(0x01).ringDistance(to: PeerID(0xff)) == PeerID(0x02).number)
        #expect(PeerID(0xff).clockwise(to: PeerID(0x01)) == PeerID(0x02).number)
    }

    @Test("of two peers at the same distance from a key the smaller id is closer, whoever asks")
    func ties() {
        #expect(PeerID(0x10).isCloser(to: PeerID(0x20), than: PeerID(0x30)))
        #expect(!PeerID(0x30).isCloser(to: PeerID(0x20), than: PeerID(0x10)))
    }
}
