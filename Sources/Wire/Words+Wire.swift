import Automata
import Foundation
import SwiftProtobuf
import WireSchema

// Requests, claims, orders: the words that the ledger and the messages share.

extension WireRequestKey {
    init(_ key: RequestKey) {
        self.init()
        customer = key.customer.name
        reference = key.reference
    }

    func decoded() throws(WireError) -> RequestKey {
        RequestKey(
            customer: Customer(try text(customer, "a customer", bytes: 1...WireBounds.nameBytesMax)),
            reference: try text(reference, "a reference", bytes: 1...WireBounds.nameBytesMax))
    }
}

extension WireClaimReference {
    init(_ claim: ClaimReference) {
        self.init()
        machine = claim.machine.data
        partition = UInt32(clamping: claim.partition.value)
        fencing = claim.fencing.value
    }

    func decoded() throws(WireError) -> ClaimReference {
        ClaimReference(
            machine: try peer(machine, "a claim's machine"), partition: try Wire.partition(partition),
            fencing: FencingNumber(try counter(fencing, "a fencing number")))
    }
}

extension WireReleaseDocument {
    init(_ release: ReleaseDocument) {
        self.init()
        url = release.url
        text = Data(release.text.utf8)
    }

    func decoded() throws(WireError) -> ReleaseDocument {
        ReleaseDocument(
            url: try Wire.text(url, "a release's URL", bytes: 0...WireBounds.urlBytesMax),
            text: try longText(text, "a release", bytesMax: WireBounds.releaseBytesMax))
    }
}

extension WireRequirements {
    init(_ requirements: Requirements) {
        self.init()
        memoryBytes = requirements.memory.bytes
        if let machine = requirements.machine { self.machine = machine }
        if let priceMax = requirements.priceMax { self.priceMax = priceMax }
        condition = requirements.condition
        policy = requirements.policy
        relations = requirements.relations.map { WireRelation($0) }
        reservation = requirements.reservation ?? ""
        if let terms = requirements.booking { booking = WireBooking(terms) }
    }

    func decoded() throws(WireError) -> Requirements {
        Requirements(
            memory: ByteCount(try number(memoryBytes, "memory asked for", 0...WireBounds.memoryBytesMax)),
            machine: hasMachine ? try text(machine, "a machine", bytes: 0...WireBounds.nameBytesMax) : nil,
            priceMax: hasPriceMax ? try number(priceMax, "a price", 0...WireBounds.numberMax) : nil,
            condition: try text(condition, "a condition", bytes: 0...WireBounds.conditionBytesMax),
            policy: try text(policy, "a policy", bytes: 0...WireBounds.policyBytesMax),
            relations: try list(relations, "relations", max: Requirements.relationsMax) {
                (relation) throws(WireError) in try relation.decoded()
            },
            reservation: reservation.isEmpty
                ? nil : try text(reservation, "a reservation", bytes: 1...BookingTerms.nameBytesMax),
            booking: hasBooking ? try booking.decoded() : nil)
    }
}

extension WireRelation {
    init(_ relation: Relation) {
        self.init()
        apart = relation.isApart
        reference = relation.reference
        scope =
            switch relation.scope {
            case .host: .host
            case .lan: .lan
            case .country: .country
            case .continent: .continent
            }
    }

    func decoded() throws(WireError) -> Relation {
        Relation(
            isApart: apart, scope: try scope.decoded(),
            reference: try text(reference, "a relation's reference", bytes: 1...WireBounds.nameBytesMax))
    }
}

extension WireRelationScope {
    func decoded() throws(WireError) -> Relation.Scope {
        switch self {
        case .host: .host
        case .lan: .lan
        case .country: .country
        case .continent: .continent
        case .unspecified, .UNRECOGNIZED: throw noCase("a relation's scope", rawValue)
        }
    }
}

extension WirePlace {
    init(_ place: Place) {
        self.init()
        name = place.name
        network = place.network
        region = place.region
        country = place.country
        continent = place.continent
    }

    func decoded() throws(WireError) -> Place {
        let label = 0...WireBounds.labelBytesMax
        return Place(
            name: try text(name, "a machine's name", bytes: label),
            network: try text(network, "a place's network", bytes: label),
            region: try text(region, "a place's region", bytes: label),
            country: try text(country, "a place's country", bytes: label),
            continent: try text(continent, "a place's continent", bytes: label))
    }
}

extension WireDesiredState {
    init(_ state: DesiredState) {
        self =
            switch state {
            case .running: .running
            case .stopped: .stopped
            case .destroyed: .destroyed
            }
    }

    func decoded() throws(WireError) -> DesiredState {
        switch self {
        case .running: .running
        case .stopped: .stopped
        case .destroyed: .destroyed
        case .unspecified, .UNRECOGNIZED: throw noCase("a desired state", rawValue)
        }
    }
}

extension WireSpecification {
    /// - Parameter withRelease: false in a list, which tells each release once.
    init(_ specification: Specification, withRelease: Bool = true) {
        self.init()
        if withRelease { release = WireReleaseDocument(specification.release) }
        type = specification.type
        parameters = Data(specification.parameters.utf8)
        requirements = WireRequirements(specification.requirements)
        desired = WireDesiredState(specification.desired)
        exclusive = specification.exclusive
        project = specification.project ?? ""
        if let terms = specification.group { group = WireInstanceGroup(terms) }
        if let membership = specification.membership { member = WireInstanceMembership(membership) }
        if let patience = specification.patience { patienceMilliseconds = patience.milliseconds }
        if specification.reserves != .none { reserves = WireReserves(specification.reserves) }
        releaseNeeds = specification.releaseNeeds
        others = specification.others.map { WireAcceptableRelease($0) }
    }

    /// - Parameter listed: the release that a list has told for it.
    func decoded(listed: ReleaseDocument? = nil) throws(WireError) -> Specification {
        let document: ReleaseDocument
        if let listed {
            document = listed
        } else {
            document = try required(hasRelease, release, "a specification's release").decoded()
        }
        var specification = Specification(
            release: document,
            type: try text(type, "an instance type", bytes: 0...WireBounds.nameBytesMax),
            parameters: try longText(parameters, "parameters", bytesMax: WireBounds.parametersBytesMax),
            requirements: try required(hasRequirements, requirements, "a specification's requirements").decoded(),
            desired: try desired.decoded(), exclusive: exclusive,
            project: project.isEmpty
                ? nil : try text(project, "a project", bytes: 1...WireBounds.nameBytesMax),
            patience: hasPatienceMilliseconds
                ? .milliseconds(
                    try number(patienceMilliseconds, "a patience", 0...Specification.patienceMax.milliseconds)) : nil,
            group: hasGroup ? try group.decoded() : nil, membership: hasMember ? try member.decoded() : nil)
        if hasReserves { specification.reserves = try reserves.decoded() }
        specification.releaseNeeds = try text(
            releaseNeeds, "what a release needs", bytes: 0...WireBounds.conditionBytesMax)
        specification.others = try list(others, "other releases", max: Specification.othersMax) {
            (other) throws(WireError) in try other.decoded()
        }
        return specification
    }
}

extension WireAcceptableRelease {
    init(_ release: AcceptableRelease) {
        self.init()
        self.release = WireReleaseDocument(release.document)
        needs = release.needs
    }

    func decoded() throws(WireError) -> AcceptableRelease {
        AcceptableRelease(
            document: try required(hasRelease, release, "another release").decoded(),
            needs: try text(needs, "what a release needs", bytes: 0...WireBounds.conditionBytesMax))
    }
}

extension WireReleaseChoice {
    init(_ choice: ReleaseChoice) {
        self.init()
        number = UInt32(clamping: choice.number)
        reason = choice.reason
    }

    func decoded() throws(WireError) -> ReleaseChoice {
        ReleaseChoice(
            number: try Wire.number(Int(number), "a chosen release", 0...Specification.othersMax),
            reason: try text(reason, "why a release was chosen", bytes: 0...ReleaseChoice.reasonBytesMax))
    }
}

extension WireInstanceState {
    init(_ state: InstanceState) {
        self =
            switch state {
            case .waiting: .waiting
            case .unsatisfiable: .unsatisfiable
            case .installing: .installing
            case .starting: .starting
            case .running: .running
            case .unreachable: .unreachable
            case .stopped: .stopped
            case .failed: .failed
            case .destroyed: .destroyed
            }
    }

    func decoded() throws(WireError) -> InstanceState {
        switch self {
        case .waiting: .waiting
        case .unsatisfiable: .unsatisfiable
        case .installing: .installing
        case .starting: .starting
        case .running: .running
        case .unreachable: .unreachable
        case .stopped: .stopped
        case .failed: .failed
        case .destroyed: .destroyed
        case .unspecified, .UNRECOGNIZED: throw noCase("an instance's state", rawValue)
        }
    }
}

extension WireInstanceStatus {
    init(_ status: InstanceStatus) {
        self.init()
        state = WireInstanceState(status.state)
        reason = cut(status.reason)
        connection = Data(status.connection.utf8)
        revision = status.revision.value
    }

    func decoded() throws(WireError) -> InstanceStatus {
        InstanceStatus(
            state: try state.decoded(), reason: try text(reason, "a reason", bytes: 0...WireBounds.reasonBytesMax),
            connection: try longText(connection, "connection parameters", bytesMax: WireBounds.connectionBytesMax),
            revision: try Wire.revision(revision))
    }
}

extension WireInstanceOrder {
    init(_ order: InstanceOrder) {
        self.init()
        claim = WireClaimReference(order.claim)
        request = WireRequestKey(order.request)
        revision = order.revision.value
        specification = WireSpecification(order.specification)
        if let takeOver = order.takesOver { takesOver = WireTakeOver(takeOver) }
    }

    func decoded() throws(WireError) -> InstanceOrder {
        InstanceOrder(
            claim: try required(hasClaim, claim, "an order's claim").decoded(),
            request: try required(hasRequest, request, "an order's request").decoded(),
            revision: try Wire.revision(revision),
            specification: try required(hasSpecification, specification, "an order's specification").decoded(),
            takesOver: hasTakesOver ? try takesOver.decoded() : nil)
    }
}
