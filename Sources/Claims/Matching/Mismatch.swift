import Automata

/// Why a machine does not serve a request, or does not now: a stable code, who says no, what was wanted, what was found.
public struct Mismatch: Hashable, Sendable, CustomStringConvertible {
    /// In the order in which rules are looked at: a machine counts under the first one.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        case gone
        case otherMachine = "other-machine"
        /// The machine cannot read what is asked: it runs an older version.
        case unreadable
        case requirement
        case relation
        case tooDear = "too-dear"
        case ownerLimit = "owner-limit"
        case notAccepting = "not-accepting"
        case ownerHours = "owner-hours"
        case short
        case full
        /// What it has free is kept for reservations, or it is promised for that time.
        case reserved
        /// A tenant gives way to it: it is to be asked again.
        case yielding
        /// No tenant's project has so much that one would give way.
        case outranked
        case staleAttempt = "stale-attempt"
        case silent
        case notAsked = "not-asked"
        case budget
        case quota
        /// A code of a later version, as it came.
        case other

        public var party: Party {
            switch self {
            case .otherMachine, .requirement, .relation, .tooDear: .requester
            case .unreadable, .ownerLimit, .notAccepting, .ownerHours, .short, .full, .reserved, .yielding, .outranked,
                .staleAttempt,
                .other:
                .machine
            case .gone, .silent, .notAsked: .rendezvous
            case .budget, .quota: .ledger
            }
        }

        /// For people, behind a count of machines.
        public func phrase(for machines: Int) -> String {
            let (one, several) = phrases
            return machines == 1 ? one : several
        }

        private var phrases: (one: String, several: String) {
            switch self {
            case .gone: ("is gone", "are gone")
            case .otherMachine: ("is not the machine asked for", "are not the machine asked for")
            case .unreadable: ("cannot read what is asked", "cannot read what is asked")
            case .requirement: ("does not have what is asked", "do not have what is asked")
            case .relation: ("stands in the wrong place", "stand in the wrong place")
            case .tooDear: ("is too dear", "are too dear")
            case .ownerLimit: ("has an owner who does not give that much", "have owners who do not give that much")
            case .notAccepting: ("takes no instances now", "take no instances now")
            case .ownerHours: ("is not open now", "are not open now")
            case .short: ("has too little left", "have too little left")
            case .full: ("has no free partition", "have no free partition")
            case .reserved: ("keeps its place for a reservation", "keep their places for reservations")
            case .yielding: ("has a tenant that gives way", "have tenants that give way")
            case .outranked: ("has no tenant that would give way", "have no tenants that would give way")
            case .staleAttempt: ("has heard of a newer attempt", "have heard of a newer attempt")
            case .silent: ("did not answer", "did not answer")
            case .notAsked: ("was not asked", "were not asked")
            case .budget: ("costs more than the project has", "cost more than the project has")
            case .quota: ("is beyond the project's share", "are beyond the project's share")
            case .other: ("refuses for another reason", "refuse for other reasons")
            }
        }
    }

    /// Who says no.
    public enum Party: String, Hashable, Sendable, CaseIterable {
        case requester, machine, rendezvous, ledger
    }

    public var code: Code
    /// What was asked for, and what was found; at most 200 bytes each.
    public var wanted: String
    public var found: String
    /// No claim that ends could change it.
    public var isLasting: Bool

    /// What longer texts are cut to.
    public static let textBytesMax = 200

    public init(_ code: Code, wanted: String = "", found: String = "", isLasting: Bool = false) {
        self.code = code
        self.wanted = wanted.cut(toBytes: Self.textBytesMax)
        self.found = found.cut(toBytes: Self.textBytesMax)
        self.isLasting = isLasting
    }

    static func stale(_ attempt: Attempt, newest: Attempt) -> Mismatch {
        Mismatch(.staleAttempt, wanted: "attempt \(attempt)", found: "attempt \(newest)")
    }

    /// For people, as the rest of a sentence about the machine.
    public var description: String {
        switch code {
        case .gone: found
        case .otherMachine: "is not the machine asked for (\(wanted))"
        case .unreadable: "cannot read what is asked (\(wanted))"
        case .requirement: "has \(found), \(wanted) asked"
        case .relation: "stands on \(found), \(wanted) asked"
        case .tooDear: "asks \(found) an hour, at most \(wanted) may be paid"
        case .ownerLimit: "gives one instance at most \(found), \(wanted) asked"
        case .notAccepting: "takes no instances now: it is \(found)"
        case .ownerHours: "is for others from \(wanted) UTC alone"
        case .short: "has \(found) left, \(wanted) asked"
        case .full: "has no free partition"
        case .reserved where !wanted.isEmpty: "keeps no free place for the reservation \(wanted)"
        case .reserved: "keeps its place for a reservation (\(found))"
        case .yielding: "has a tenant that gives way to it (\(found))"
        case .outranked: "has no tenant that gives way: \(found)"
        case .staleAttempt: "has heard of \(found) already, \(wanted) asked"
        case .silent: "did not answer"
        case .notAsked: "was not asked: \(found)"
        case .budget: "is not paid: \(wanted)"
        case .quota: "is \(wanted), and the project uses \(found)"
        case .other: "refuses (\(wanted))"
        }
    }
}

extension String {
    /// The first characters that together have at most so many bytes.
    package func cut(toBytes most: Int) -> String {
        guard utf8.count > most else { return self }
        var (bytes, end) = (0, startIndex)
        while end < endIndex {
            let next = index(after: end)
            bytes += self[end..<next].utf8.count
            guard bytes <= most else { break }
            end = next
        }
        return String(self[..<end])
    }
}
