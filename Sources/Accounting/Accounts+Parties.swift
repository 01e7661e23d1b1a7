import Automata
import OrderedCollections

// Who takes part, what can be moved, and where: accounts, projects, resources, machines, corrections by hand.

extension Accounts {
    // MARK: Looking up, or saying what is missing

    /// An account that takes part.
    func account(_ id: AccountID) throws(RuleBreach) -> AccountState {
        guard let state = accounts[id] else {
            throw RuleBreach(
                .unknownAccount, "these books have no account \(id)", remedy: "open it first, or correct the name")
        }
        guard state.isOpen else {
            throw RuleBreach(.accountClosed, "the account \(id) was closed", remedy: "use another account")
        }
        return state
    }

    func project(_ id: ProjectID) throws(RuleBreach) -> ProjectState {
        guard let state = projects[id] else {
            throw RuleBreach(
                .unknownProject, "these books have no project \(id)", remedy: "make it first, or correct the name")
        }
        return state
    }

    func resource(_ id: ResourceID) throws(RuleBreach) -> ResourceState {
        guard let state = resources[id] else {
            throw RuleBreach(
                .unknownResource, "these books have no resource \(id)", remedy: "define it first, or correct the name")
        }
        return state
    }

    func supplier(of machine: PeerID) throws(RuleBreach) -> AccountID {
        guard let supplier = machines[machine] else {
            throw RuleBreach(
                .unknownMachine, "nobody supplies the machine \(machine.fingerprint) in these books",
                remedy: "list it under its owner's account first")
        }
        return supplier
    }

    func instance(_ id: InstanceID) throws(RuleBreach) -> InstanceState {
        guard let state = instances[id] else {
            throw RuleBreach(
                .unknownInstance, "these books never held anything for the instance \(id)",
                remedy: "place a hold for it first, so that its project is known")
        }
        return state
    }

    /// Refuses an amount in a currency that is not the project's.
    func expect(_ currency: Currency, of project: ProjectState) throws(RuleBreach) {
        guard project.order.currency == currency else {
            throw RuleBreach(
                .wrongCurrency,
                "the project \(project.order.id) is kept in \(project.order.currency), the price is in \(currency)",
                remedy: "set a price in \(project.order.currency), or use a project in \(currency)")
        }
    }

    // MARK: Accounts

    /// - Returns: false when it is open already, and says the same.
    func checkOpening(_ account: Account) throws(RuleBreach) -> Bool {
        try checkWords(account)
        guard let state = accounts[account.id] else { return true }
        guard state.account == account, state.isOpen else {
            throw RuleBreach(
                .duplicate,
                "the account \(account.id) is there already (\(state.account.kind.rawValue) \(state.account.title))",
                remedy: "change it, or choose another name")
        }
        return false
    }

    mutating func onOpened(_ account: Account) throws(RuleBreach) -> Outcome {
        guard try checkOpening(account) else { return .repeated }
        accounts[account.id] = AccountState(account: account)
        return .done
    }

    func checkChange(_ account: Account) throws(RuleBreach) {
        let state = try self.account(account.id)
        try checkWords(account)
        guard state.account.ledger == account.ledger else {
            throw RuleBreach(
                .wrongParty,
                "the account \(account.id) is kept by \(ledgerText(state.account.ledger)), not by \(ledgerText(account.ledger))",
                remedy: "open an account of another name for what another ledger keeps")
        }
    }

    mutating func onChanged(_ account: Account) throws(RuleBreach) {
        try checkChange(account)
        accounts[account.id]?.account = account
    }

    /// - Returns: false when it was closed before.
    func checkClosing(_ id: AccountID) throws(RuleBreach) -> Bool {
        if let known = accounts[id], !known.isOpen { return false }
        let state = try account(id)
        if let entry = state.balances.entries.first(where: { $0.amount != .zero }) {
            throw RuleBreach(
                .stillOpen,
                "the account \(id) \(entry.amount > .zero ? "owes" : "is due") "
                    + "\(entry.amount.magnitude) \(entry.currency) (\(entry.stage.rawValue))",
                remedy: "invoice and settle it first")
        }
        // What it owes and what it is due may cancel out, and still be open.
        if let relation = open.keys.first(where: { $0.supplier == id || $0.customer == id }) {
            throw RuleBreach(
                .stillOpen, "usage by \(relation.customer) from \(relation.supplier) is not invoiced yet",
                remedy: "invoice it first")
        }
        if let (number, status) = outstanding.first(where: { $0.number.issuer == id || $0.status.customer == id }) {
            throw RuleBreach(
                .stillOpen, "\(status.outstanding) \(status.currency) of \(number) are open",
                remedy: "settle it first")
        }
        if let (machine, _) = machines.elements.first(where: { $0.value == id }) {
            throw RuleBreach(
                .stillOpen, "the account \(id) supplies the machine \(machine.fingerprint)",
                remedy: "list the machine under another account first")
        }
        if let project = projects.values.first(where: { $0.order.customer == id && $0.held > .zero }) {
            throw RuleBreach(
                .stillOpen, "the project \(project.order.id) of \(id) holds \(project.held) \(project.order.currency)",
                remedy: "release its instances and end its subscriptions first")
        }
        return true
    }

    mutating func onClosed(_ id: AccountID) throws(RuleBreach) -> Outcome {
        guard try checkClosing(id) else { return .repeated }
        accounts[id]?.isOpen = false
        return .done
    }

    func checkWords(_ account: Account) throws(RuleBreach) {
        try expectName(account.id.name, "account")
        try expectText(account.title, "title of an account", bytesMax: 256)
        guard let address = account.address else { return }
        for text in [address.street, address.city, address.postcode] {
            try expectText(text, "line of an address", bytesMax: 256, isEmptyAllowed: true)
        }
        guard address.country.utf8.count == 2, address.country.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) else {
            throw RuleBreach(
                .malformed, "`\(address.country)` is no country code", remedy: "use two capital letters of ISO 3166")
        }
    }

    // MARK: Projects

    /// - Returns: false when it says what it said before.
    func checkProject(_ order: ProjectOrder) throws(RuleBreach) -> Bool {
        try expectName(order.id.name, "project")
        let customer = try account(order.customer)
        guard
            customer.account.ledger == nil
                || contracts.values.contains(where: { $0.isSigned && $0.contract.customer == order.customer })
        else {
            throw RuleBreach(
                .noContract,
                "the account \(order.customer) is kept by another ledger, which has countersigned no contract with it",
                remedy:
                    "make its projects there, or agree on a contract first: then a project here says what is lent to it"
            )
        }
        guard order.ceiling >= .zero else {
            throw RuleBreach(
                .negativeAmount, "the ceiling of \(order.id) is \(order.ceiling) \(order.currency)",
                remedy: "give zero or more")
        }
        guard order.ceiling <= .movementMax else {
            throw RuleBreach(
                .overflow, "the ceiling of \(order.id), \(order.ceiling) \(order.currency), does not fit",
                remedy: "give at most \(Money.movementMax)")
        }
        guard let state = projects[order.id] else { return true }
        guard state.order.customer == order.customer, state.order.currency == order.currency else {
            throw RuleBreach(
                .duplicate,
                "the project \(order.id) belongs to \(state.order.customer) and is kept in \(state.order.currency)",
                remedy: "choose another name; a project's customer and currency stay")
        }
        return state.order != order
    }

    mutating func onProject(_ order: ProjectOrder, at now: Instant) throws(RuleBreach) -> Outcome {
        guard try checkProject(order) else { return .repeated }
        let boundary = order.cycle.boundary(atOrBefore: now)
        guard var state = projects[order.id]?.rolled(to: now) else {
            projects[order.id] = ProjectState(order: order, windowStart: boundary)
            return .done
        }
        // What was spent stays spent when the cycle is another: the ceiling is no way around itself.
        if state.order.cycle != order.cycle { state.windowStart = boundary }
        state.order = order
        projects[order.id] = state
        return .done
    }

    // MARK: Resources and machines

    /// - Returns: false when it says what it said before.
    func checkResource(_ resource: Resource) throws(RuleBreach) -> Bool {
        guard NameRule.isResource(resource.id.name) else {
            throw RuleBreach(
                .malformed, "`\(resource.id.name)` is no name of a resource",
                remedy: "use 1 to 64 ASCII letters, digits, `-`, `_` and `.`")
        }
        try expectText(resource.title, "title of a resource", bytesMax: 256)
        guard let state = resources[resource.id] else { return true }
        guard state.resource.unit == resource.unit else {
            throw RuleBreach(
                .duplicate,
                "the resource \(resource.id) is counted in \(state.resource.unit.rawValue), not in \(resource.unit.rawValue)",
                remedy: "define another resource; what was moved keeps its unit")
        }
        return state.resource != resource
    }

    mutating func onResource(_ resource: Resource) throws(RuleBreach) -> Outcome {
        guard try checkResource(resource) else { return .repeated }
        resources[resource.id, default: ResourceState(resource: resource)].resource = resource
        return .done
    }

    func checkMachine(_ machine: PeerID, _ supplier: AccountID) throws(RuleBreach) {
        _ = try account(supplier)
    }

    mutating func onMachine(_ machine: PeerID, _ supplier: AccountID) throws(RuleBreach) {
        try checkMachine(machine, supplier)
        machines[machine] = supplier
    }

    // MARK: Corrections by hand

    /// - Returns: false when it was recorded before.
    func checkPosting(_ posting: Posting) throws(RuleBreach) -> Bool {
        if let id = posting.id {
            try expectName(id.name, "correction")
            if let known = postings[id] {
                guard known.posting == posting else {
                    throw RuleBreach(
                        .duplicate, "the correction \(id) is there already: \(known.posting.reason)",
                        remedy: "record it under another name")
                }
                return false
            }
        }
        try expectText(posting.reason, "reason", bytesMax: 256)
        guard (1...Self.postingLinesMax).contains(posting.lines.count) else {
            throw RuleBreach(
                .tooMany, "a posting has \(posting.lines.count) lines", remedy: "give 1 to \(Self.postingLinesMax)")
        }
        var sum = Money.zero
        var moved = Money.zero
        for line in posting.lines {
            _ = try account(line.account)
            guard line.amount.trillionths.magnitude <= Money.movementMax.trillionths.magnitude else {
                throw RuleBreach(
                    .overflow, "the line of \(line.account), \(line.amount) \(posting.currency), does not fit",
                    remedy: "give at most \(Money.movementMax)")
            }
            sum += line.amount
            moved += line.amount.magnitude
        }
        guard sum == .zero else {
            throw RuleBreach(
                .unbalanced, "the \(posting.lines.count) lines add up to \(sum) \(posting.currency), not to zero",
                remedy: "say where the rest came from or went")
        }
        for line in posting.lines {
            try expectRoom(line.account, .corrected, posting.currency, for: moved)
        }
        return true
    }

    /// Pairs what some give with what others receive, in their order, so that each movement has both ends.
    mutating func onPosted(_ posting: Posting, at now: Instant, into history: inout History)
        throws(RuleBreach) -> Outcome
    {
        guard try checkPosting(posting) else { return .repeated }
        if let id = posting.id { postings[id] = PostingState(posting: posting, at: now) }
        var givers = posting.lines.filter { $0.amount < .zero }[...]
        var receivers = posting.lines.filter { $0.amount > .zero }[...]
        var trail = Movement.Trail()
        trail.reason = posting.reason
        while var giver = givers.popFirst(), var receiver = receivers.popFirst() {
            let value = min(-giver.amount, receiver.amount)
            record(
                Movement(
                    number: .zero, at: now, kind: .correction, stage: .corrected, source: giver.account,
                    destination: receiver.account, resource: nil, quantity: .zero, price: .free, value: value,
                    currency: posting.currency, period: Period(from: now, to: now), trail: trail),
                into: &history)
            giver.amount += value
            receiver.amount -= value
            if giver.amount < .zero { givers = [giver] + givers }
            if receiver.amount > .zero { receivers = [receiver] + receivers }
        }
        return .done
    }

    // MARK: Closing the past

    func checkHorizon(_ instant: Instant, at now: Instant) throws(RuleBreach) {
        guard instant <= now else {
            throw RuleBreach(
                .periodInFuture, "the books cannot be closed before \(instant.civilText): it is \(now.civilText)",
                remedy: "close a past period")
        }
        guard instant >= closedBefore else {
            throw RuleBreach(
                .periodClosed,
                "the books are closed before \(closedBefore.civilText) already, not from \(instant.civilText)",
                remedy: "give a later instant; a closed period stays closed")
        }
    }

    mutating func onHorizon(_ instant: Instant, at now: Instant) throws(RuleBreach) {
        try checkHorizon(instant, at: now)
        closedBefore = Instant(milliseconds: instant.milliseconds)
        let horizon = closedBefore.milliseconds
        for index in instances.values.indices {
            for place in instances.values[index].counted.indices {
                instances.values[index].counted[place].coverage.forget(before: horizon)
            }
            instances.values[index].counted.removeAll { $0.coverage.stretches.isEmpty }
        }
        instances.removeAll { _, state in
            state.hold == nil && state.counted.isEmpty && state.releasedAt.map { $0 < closedBefore } ?? false
        }
        invoices.removeAll { $1.outstanding == .zero && $1.issuedAt < closedBefore }
        received.removeAll { $1.issuedAt < closedBefore && invoices[$1.invoice] == nil }
        incidents.removeAll { $1.period.end <= closedBefore }
        postings.removeAll { $1.at < closedBefore }
        subscriptions.removeAll { _, state in
            state.ends.map { end in
                end < closedBefore && state.order.cycle.instant(state.charged, after: state.order.begins) >= end
            } ?? false
        }
        for index in prices.values.indices {
            // The newest one at or before the horizon still is the price of what begins there.
            let steps = prices.values[index]
            if let current = steps.lastIndex(where: { $0.from <= closedBefore }), current > 0 {
                prices.values[index].removeFirst(current)
            }
        }
    }

    // MARK: Bounds

    /// Refuses what would make a balance of the account larger than balances are.
    func expectRoom(_ id: AccountID, _ stage: Movement.Stage, _ currency: Currency, for amount: Money)
        throws(RuleBreach)
    {
        let balance = accounts[id]?.balances.amount(stage, currency) ?? .zero
        guard balance.magnitude.plus(amount.magnitude) != nil else {
            throw RuleBreach(
                .overflow, "\(amount) \(currency) more than the \(balance) \(currency) of \(id) do not fit",
                remedy: "settle the account first; a balance is at most \(Money.balanceMax)")
        }
    }

    func expectName(_ text: String, _ what: String) throws(RuleBreach) {
        guard NameRule.isName(text) else {
            throw RuleBreach(
                .malformed, "`\(text.prefix(160))` is no name of a thing like this (\(what))",
                remedy: "use 1 to 128 bytes: letters, digits and `-_.@+/`, no space")
        }
    }

    func expectText(_ text: String, _ what: String, bytesMax: Int, isEmptyAllowed: Bool = false) throws(RuleBreach) {
        guard NameRule.isText(text, bytesMax: bytesMax, isEmptyAllowed: isEmptyAllowed) else {
            throw RuleBreach(
                .malformed, "the \(what) has \(text.utf8.count) bytes, or control characters among them",
                remedy: "use \(isEmptyAllowed ? "at most" : "1 to") \(bytesMax) bytes of text")
        }
    }

    func expectPeriod(_ period: Period, _ what: String) throws(RuleBreach) {
        guard !period.isEmpty else {
            throw RuleBreach(
                .emptyPeriod, "the period of \(what), \(period), ends before anything happens in it",
                remedy: "give an end after the start")
        }
        guard period.isInRange else {
            throw RuleBreach(
                .overflow, "the period of \(what), \(period), lies outside the years 1970 to 2261",
                remedy: "check the clock that made it")
        }
    }

    private func ledgerText(_ ledger: PeerID?) -> String {
        ledger.map { "the ledger \($0.fingerprint)" } ?? "this ledger"
    }
}
