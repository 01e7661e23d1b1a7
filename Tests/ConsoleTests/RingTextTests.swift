import API
import Automata
import Console
import Foundation
import Overlay
import Testing

@Suite("The ring for people")
struct RingTextTests {
    private let plain = Output(format: .table, style: Style(isColored: false))

    private static func peer(
        _ number: UInt8, _ name: String = "", state: String = "live", roundTrip: Int64? = nil, shared: Int? = nil
    ) -> RingPeerDocument {
        RingPeerDocument(
            peer: PeerID(number).description, fingerprint: PeerID(number).fingerprint, name: name,
            address: "10.0.0.\(number):7423", state: state, roundTripMicroseconds: roundTrip, sharedDigits: shared)
    }

    private static func overlay(
        left: [RingPeerDocument], right: [RingPeerDocument], peers: Int64, isCounted: Bool = true, rows: [Int] = [],
        problems: [DoctorDocument.Problem] = []
    ) -> OverlayDocument {
        OverlayDocument(
            peer: peer(0xA0, "m1", state: "self"), state: "active", sentence: "active in a ring of \(peers) peers",
            problems: problems, peers: peers, isCounted: isCounted, left: left, right: right, tableRows: rows,
            tableProbeSeconds: 3_600, failuresPerDay: 0.3, unacknowledged: 0, held: 0,
            counters: .init(delivered: 4, forwarded: 2), kept: .init(objects: 2, bytes: 1_536, bytesMax: 256 << 20),
            at: "2026-11-21T12:00:00.000Z")
    }

    @Test("in a small ring each peer is shown once, going up from one's own, with its place on both sides")
    func small() {
        let (b, c) = (Self.peer(0xB0, "m2", roundTrip: 340), Self.peer(0xC0, state: "silent", roundTrip: 3_400))
        let document = Self.overlay(left: [c, b], right: [b, c], peers: 3)
        #expect(
            RingText.status(document, isWide: false, output: plain) == """
                m1: active in a ring of 3 peers
                NAME  STATE   SIDE             WHERE            ROUND TRIP  FINGERPRINT
                m1    self                     10.0.0.160:7423              a000-0000-0000-0000
                m2    live    right 1, left 2  10.0.0.176:7423  340 us      b000-0000-0000-0000
                      silent  right 2, left 1  10.0.0.192:7423  3.4 ms      c000-0000-0000-0000
                peer          a0000000000000000000000000000000
                state         active
                prefix table  not needed: all peers are neighbours
                messages      4 delivered here, 2 handed on, 0 sent again, 0 given up
                failures      0 called failed by this peer; it stood still 0 times
                objects       2 kept here, 1.5 KiB of 256 MiB
                """)
    }

    @Test("in a large ring the nearest of each side are shown around one's own; all of them with -o wide")
    func large() {
        let left = (1...16).map { Self.peer(UInt8(0xA0 - $0)) }
        let right = (1...16).map { Self.peer(UInt8(0xA0 + $0)) }
        let document = Self.overlay(left: left, right: right, peers: 900, isCounted: false, rows: [12, 3])
        let lines = RingText.status(document, isWide: false, output: plain).split(separator: "\n")
        #expect(lines[2].contains("left 4") && lines[5].contains("left 1"))
        #expect(lines[6].hasPrefix("m1") && lines[7].contains("right 1") && lines[10].contains("right 4"))
        #expect(lines[11] == "24 farther neighbours are not shown: -o wide")
        #expect(lines.contains("prefix table  15 peers in 2 rows (12 + 3)"))
        let wide = RingText.status(document, isWide: true, output: plain)
        #expect(wide.contains("left 16") && wide.contains("right 16") && !wide.contains("farther"))
        #expect(wide.contains(PeerID(0x90).description) && wide.contains("0.3 failures of a peer in a day"))
    }

    @Test("alone there is no table, and each problem stands with what to do")
    func alone() {
        let problem = DoctorDocument.Problem(code: "joining", message: "does not deliver yet", remedy: "name a peer")
        let text = RingText.status(
            Self.overlay(left: [], right: [], peers: 1, problems: [problem]), isWide: false, output: plain)
        #expect(!text.contains("NAME"))
        #expect(text.hasSuffix("problem (joining): does not deliver yet\nto do: name a peer"))
    }

    @Test("a lookup says who the root is; of a name also its key")
    func lookup() {
        let key = PeerID(hashing: "greeting".utf8)
        let route = RouteDocument(
            key: key.description, root: Self.peer(0xB0, "m2"), hops: 1, tookMicroseconds: 900, path: nil)
        #expect(
            RingText.lookup(route, name: "greeting", isWide: false, style: plain.style) == """
                key          \(key) ("greeting")
                root         m2
                fingerprint  b000-0000-0000-0000
                where        10.0.0.176:7423
                hops         1
                took         900 us
                """)
    }

    @Test("a trace has a line a peer, with the digits it shares with the key")
    func trace() {
        let root = Self.peer(0xB0, state: "distant", shared: 2)
        let route = RouteDocument(
            key: PeerID(0xB1).description, root: root, hops: 1, tookMicroseconds: 2_500_000,
            path: [Self.peer(0xA0, "m1", state: "self", shared: 0), root])
        #expect(
            RingText.trace(route, name: nil, isWide: false, output: plain) == """
                b1000000000000000000000000000000 ends at b000-0000-0000-0000, 1 hop away; answered in 2.5 s
                HOP  NAME  STATE    WHERE            ROUND TRIP  SHARED    FINGERPRINT
                0    m1    self     10.0.0.160:7423              0 digits  a000-0000-0000-0000
                1          distant  10.0.0.176:7423              2 digits  b000-0000-0000-0000
                """)
    }

    @Test("a name of another machine cannot move the cursor of whoever looks at it")
    func harmless() {
        let evil = Self.peer(0xB0, "evil\u{1B}[2J", shared: 0)
        let route = RouteDocument(key: "k", root: evil, hops: 1, tookMicroseconds: 1, path: [evil])
        for text in [
            RingText.status(Self.overlay(left: [evil], right: [evil], peers: 2), isWide: true, output: plain),
            RingText.lookup(route, name: "a\u{1B}b", isWide: true, style: plain.style),
            RingText.trace(route, name: "a\u{1B}b", isWide: true, output: plain),
        ] { #expect(!text.contains("\u{1B}")) }
    }

    @Test(
        "times have one unit, and no more digits than they deserve",
        arguments: [
            (0, "0 us"), (999, "999 us"), (1_000, "1.0 ms"), (3_449, "3.4 ms"), (120_400, "120 ms"),
            (2_500_000, "2.5 s"),
        ] as [(Int64, String)])
    func times(microseconds: Int64, text: String) {
        #expect(Wording.time(microseconds: microseconds) == text)
    }

    @Test(
        "sizes too",
        arguments: [
            (0, "0 bytes"), (1, "1 byte"), (1_023, "1023 bytes"), (1_024, "1 KiB"), (1_536, "1.5 KiB"),
            (65_536, "64 KiB"), (256 << 20, "256 MiB"),
        ])
    func sizes(bytes: Int, text: String) {
        #expect(Wording.size(bytes: bytes) == text)
    }

    // MARK: Keys and files

    @Test("a key is 32 hexadecimal digits of either case, or the hash of a name")
    func key() throws {
        let digits = "5D41402ABC4B2A76B9719D911017C592"
        #expect(try RingKey.read(digits, isName: false).description == digits.lowercased())
        #expect(try RingKey.read("greeting", isName: true) == PeerID(hashing: "greeting".utf8))
        #expect(try RingKey.read(digits, isName: true) != RingKey.read(digits, isName: false))
    }

    @Test(
        "what is no key is refused with what was found and the way out",
        arguments: [("greeting", "--name"), ("123", "3 digits"), ("", "empty"), ("12 34", "12 34")])
    func wrongKey(text: String, word: String) {
        let refusal = #expect(throws: Refusal.self) { _ = try RingKey.read(text, isName: false) }
        #expect(refusal?.code == .invalid && "\(refusal?.description ?? "")".contains(word))
    }

    @Test("a file is read whole, up to 64 KiB; a larger one, none and a directory are refused by name")
    func files() throws {
        let path = FileManager.default.temporaryDirectory.path + "/palmier-object-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let most = [UInt8](repeating: 7, count: 65_536)
        try ObjectFile.write(most, to: path)
        #expect(try ObjectFile.read(path) == most)
        try ObjectFile.write(most + [7], to: path)
        let large = #expect(throws: ProblemDocument.self) { _ = try ObjectFile.read(path) }
        #expect(large?.exitCode == .usage && large?.detail.contains("65537") == true)
        let none = #expect(throws: ProblemDocument.self) { _ = try ObjectFile.read(path + "/none") }
        #expect(none?.exitCode == .notFound && none?.detail.contains(path) == true)
        let directory = #expect(throws: ProblemDocument.self) { _ = try ObjectFile.read("/tmp") }
        #expect(directory?.exitCode == .usage && directory?.detail.contains("is a directory") == true)
        #expect(throws: ProblemDocument.self) { try ObjectFile.write([1], to: "/nowhere/at/all") }
    }

    @Test("a terminal is shown text, and nothing that it would obey")
    func terminal() {
        #expect(ObjectFile.isHarmless(Array("palm\n\ttree, café\r\n".utf8)) && ObjectFile.isHarmless([]))
        #expect(!ObjectFile.isHarmless(Array("palm\u{1B}[2J".utf8)) && !ObjectFile.isHarmless([0xFF, 0xFE]))
    }

    @Test("a document carries text as it is, and other bytes in base64")
    func contents() {
        let text = ObjectContentsDocument(key: "k", bytes: Array("palm".utf8))
        #expect(text.encoding == "utf8" && text.text == "palm" && text.size == 4)
        let bytes = ObjectContentsDocument(key: "k", bytes: [0xFF, 0])
        #expect(bytes.encoding == "base64" && bytes.text == "/wA=" && bytes.size == 2)
    }
}
