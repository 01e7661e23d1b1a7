import Automata
import OrderedCollections
import Testing

@testable import Replication

@Suite("The log of a new view")
struct CandidateTests {
    private let membership = Membership(epoch: 1, members: (0..<3).map(Group.member))
    private let wide = Membership(epoch: 1, members: (0..<5).map(Group.member))

    private func digest(_ name: UInt8) -> Digest { Digest(of: [name]) }

    /// - Parameter tail: names of entries behind the fifth; `nil` is unreadable, a negative one is unreadable with its digest.
    private func vote(_ lastNormal: UInt32, _ tail: [Int?], commit: UInt64 = 5) -> Vote {
        let places = tail.enumerated().map { index, name in
            LogPlace(
                op: OpNumber(commit + UInt64(index) + 1), digest: name.map { digest(UInt8(abs($0))) },
                isReadable: name.map { $0 > 0 } ?? false)
        }
        return Vote(
            lastNormal: View(epoch: 1, number: lastNormal), op: OpNumber(commit + UInt64(tail.count)),
            commit: OpNumber(commit), commitDigest: digest(200), tail: places)
    }

    private func verdict(_ votes: [Vote], _ membership: Membership? = nil) -> Candidate.Verdict {
        var candidate = Candidate()
        for (index, vote) in votes.enumerated() { candidate.votes[Group.member(index)] = vote }
        return candidate.verdict(membership ?? self.membership, sabotage: [])
    }

    private func names(_ verdict: Candidate.Verdict) -> [Digest]? {
        if case .log(_, _, _, let tail) = verdict { tail.map(\.digest) } else { nil }
    }

    @Test("one vote of three is too few")
    func tooFew() {
        #expect(verdict([vote(0, [1])]) == .tooFew)
    }

    @Test("the log of the latest normal view wins over a longer one; of one view the longer wins")
    func best() {
        #expect(names(verdict([vote(0, [1, 2, 3]), vote(1, [4])])) == [digest(4)])
        #expect(names(verdict([vote(1, [4]), vote(1, [4, 5])])) == [digest(4), digest(5)])
    }

    @Test("what one cannot read another one gives, known by its digest, whatever view it was normal in")
    func given() {
        #expect(names(verdict([vote(1, [-4]), vote(0, [4])])) == [digest(4)])
        #expect(names(verdict([vote(1, [nil, 5]), vote(1, [4])])) == [digest(4), digest(5)])
    }

    @Test("an unreadable place is not cut while a majority may have had it")
    func undecided() {
        #expect(verdict([vote(1, [-4]), vote(1, [])]) == .undecided(OpNumber(6)))
        #expect(verdict([vote(1, [nil]), vote(1, [nil])]) == .undecided(OpNumber(6)))
        #expect(verdict([vote(1, [nil]), vote(0, [7])]) == .undecided(OpNumber(6)))
    }

    @Test("it is cut when so many never had it that no majority can have")
    func cut() {
        #expect(names(verdict([vote(1, [-4]), vote(1, []), vote(0, [7])])) == [])
        #expect(names(verdict([vote(1, [3, -4, 5]), vote(1, [3]), vote(1, [3])])) == [digest(3)])
        let four = [vote(1, [-4]), vote(1, []), vote(1, []), vote(1, [])]
        #expect(names(verdict(four, wide)) == [])
        #expect(verdict(Array(four.prefix(3)), wide) == .undecided(OpNumber(6)))
    }

    @Test("what the latest log has lost is what an earlier one has there, where no majority can have anything else")
    func guessed() {
        let votes = [vote(2, [3, nil]), vote(1, [3, 7]), vote(1, [])]
        #expect(names(verdict(votes)) == [digest(3), digest(7)])
        guard case .log(_, _, _, let tail) = verdict(votes) else { return }
        #expect(tail.map(\.isGuessed) == [false, true] && tail.last?.holders == [Group.peer(1)])
        #expect(verdict(Array(votes.prefix(2))) == .undecided(OpNumber(7)), "the third may have had it")
        let five = [vote(2, [nil]), vote(0, [8]), vote(1, [7]), vote(1, [])]
        #expect(names(verdict(five, wide)) == [digest(7)], "that of the later view")
        #expect(verdict(Array(five.prefix(3)), wide) == .undecided(OpNumber(6)))
        #expect(verdict([vote(2, [nil]), vote(1, [-7]), vote(1, [])]) == .undecided(OpNumber(6)), "nobody can give it")
    }

    @Test("the log begins behind the latest commit point of all votes")
    func commit() {
        let behind = vote(1, [1, 2, 3], commit: 5)
        let ahead = vote(1, [3], commit: 7)
        #expect(names(verdict([behind, ahead])) == [digest(3)])
    }
}
