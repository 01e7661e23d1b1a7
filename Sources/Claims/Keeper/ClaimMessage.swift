public import Automata

/// What a home ledger's master and a machine say to each other about one partition.
///
/// Each may be lost, late or repeated; none carries an instant of the sender's clock but for the echo in `renew` and
/// `renewed`, which only its own sender reads.
public enum ClaimMessage: Hashable, Sendable {
    // From the request's side to the machine.
    /// Asks for a partition; answered by `granted` or `refused`.
    case claim(ClaimRequest)
    /// Confirms a claim and says what to run, or changes what is run; answered by `ordered` or `orderRefused`.
    case order(InstanceOrder, lease: Duration)
    /// Ends a claim; answered by `released` once the partition is empty.
    case release(ClaimReference)
    /// Prolongs leases, counted from the instant of the machine that the echo repeats; and says what the tenants' projects
    /// have. Without claims it only says that.
    case renewed([ClaimReference], lease: Duration, echo: Instant, shares: [ProjectShare] = [])
    /// These claims are not in the ledger: the machine vacates them.
    case lapsed([ClaimReference])
    /// The report with this number is in the ledger.
    case acknowledged(ClaimReference, sequence: UInt64)

    // From the machine.
    /// With where the machine stands.
    case granted(RequestKey, Attempt, ClaimReference, Place)
    case refused(RequestKey, Attempt, [Mismatch])
    case ordered(ClaimReference, Revision)
    case orderRefused(ClaimReference, OrderRefusal)
    case released(ClaimReference)
    /// Asks to prolong leases; `echo` is the machine's own instant of asking.
    case renew([ClaimReference], echo: Instant)
    /// What became of the instance; repeated until acknowledged.
    case report(ClaimReference, sequence: UInt64, InstanceStatus)
    /// These tenancies are to go, and why; nil: they may stay, after all. Repeated with the renewals while it is so.
    case leaving([ClaimReference], Leaving?)
    /// Asks whether the placement may end for another project's claim; answered by `release`, or by `renewed` with what is so.
    case outranked(ClaimReference, by: Outranking)
    /// What groups are scaled by: soft state, never acknowledged, never in a ledger; at most `gaugesMax`.
    case measured([Gauge])

    public static let gaugesMax = 256
}

extension ClaimMessage {
    /// The one claim that the message is about, where it is about one.
    public var claim: ClaimReference? {
        switch self {
        case .order(let order, _): order.claim
        case .release(let claim), .acknowledged(let claim, _), .granted(_, _, let claim, _), .ordered(let claim, _),
            .orderRefused(let claim, _), .released(let claim), .report(let claim, _, _), .outranked(let claim, _):
            claim
        case .claim, .renewed, .lapsed, .refused, .renew, .leaving, .measured: nil
        }
    }
}

/// What a machine is asked to grant.
public struct ClaimRequest: Hashable, Sendable {
    public var request: RequestKey
    public var attempt: Attempt
    public var requirements: Requirements
    /// Relations whose other instances have a machine; at most `standingsMax`: a relation to a group has one with each member.
    public var standings: [Standing]

    public static let standingsMax = 1_024
    /// The first eight bytes of the digest of the release's text; nil: nobody has said.
    public var release: UInt64?
    /// What the request's project has; nil: nobody has said.
    public var share: ProjectShare?
    /// A full machine shall ask for a tenant's place.
    public var presses: Bool

    public init(
        request: RequestKey, attempt: Attempt, requirements: Requirements, standings: [Standing] = [],
        release: UInt64? = nil, share: ProjectShare? = nil, presses: Bool = false
    ) {
        self.share = share
        self.presses = presses
        self.standings = standings
        self.request = request
        self.attempt = attempt
        self.requirements = requirements
        self.release = release
    }

    /// Whether a search for the other is one for this: what projects have changes all the time.
    public func isSame(as other: ClaimRequest) -> Bool {
        var other = other
        (other.share, other.presses) = (share, presses)
        return self == other
    }
}

/// Why a machine does not follow an order.
public enum OrderRefusal: String, Hashable, Sendable, CaseIterable {
    /// The claim's partition does not exist here.
    case unknownPartition
    /// The partition was granted again since: the fencing number is not the newest.
    case fenced
    /// The claim was never confirmed in time, or has ended.
    case expired
    /// The claim belongs to another request or another master.
    case foreign
}
