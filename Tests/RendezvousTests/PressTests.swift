import Automata
import Claims
import Testing

@testable import Rendezvous

@Suite("asking full machines")
struct PressTests {
    private static func pressing(_ presses: Bool = true) -> ClaimRequest {
        var asked = asked(key(), 1, Requirements())
        (asked.share, asked.presses) = (ProjectShare(project: "p"), presses)
        return asked
    }

    private static let full = (0..<6).map { offer(PeerID(high: UInt64($0 + 1), low: 0), free: 0) }

    @Test("full machines are asked when a claim presses, three at most and one at a time, and none else")
    func pressed() {
        var rendezvous = FinderTests.Rendezvous(Self.full)
        #expect(rendezvous.feed(.allocate(Self.pressing(false), near: .unknown)).machines == [])
        var asked = rendezvous.feed(.allocate(Self.pressing(), near: .unknown)).machines
        for _ in 0..<3 where asked.count <= 3 {
            guard let last = asked.last else { break }
            let no = Finder.Input.refused(key(), .first, [Mismatch(.full), Mismatch(.outranked)], from: last)
            asked += rendezvous.feed(no).machines
        }
        #expect(asked.count == 3 && Set(asked).count == 3)
    }

    @Test("a machine where a tenant gives way ends the search, and is asked first the next time, whatever it offers")
    func pledged() throws {
        var rendezvous = FinderTests.Rendezvous(Self.full)
        let asked = try #require(rendezvous.feed(.allocate(Self.pressing(), near: .unknown)).machines.first)
        let effects = rendezvous.feed(.refused(key(), .first, [Mismatch(.yielding)], from: asked))
        #expect(effects == [.pledged(key(), .first, machine: asked)])
        let again = rendezvous.feed(.allocate(Self.pressing(false), near: .unknown, at: asked))
        #expect(again.machines == [asked])
        #expect(
            rendezvous.feed(.granted(key(), .first, claim(asked), .unknown)) == [
                .found(key(), .first, claim(asked), .unknown)
            ])
    }

    @Test("who has room is asked before who is full; what projects have by now does not begin a search anew")
    func fittingFirst() {
        var rendezvous = FinderTests.Rendezvous(Self.full + [offer(FinderTests.a)])
        #expect(rendezvous.feed(.allocate(Self.pressing(), near: .unknown)).machines == [FinderTests.a])
        var later = Self.pressing()
        later.share?.held = 5
        #expect(rendezvous.feed(.allocate(later, near: .unknown)) == [])
    }
}
