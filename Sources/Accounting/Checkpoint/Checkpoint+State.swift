import Automata
import OrderedCollections

// How each part of the books is written: its fields, in the order in which they are declared. A new field goes to the
// end of its type, with a new layout.

extension Accounts: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        accounts.write(to: &bytes)
        projects.write(to: &bytes)
        resources.write(to: &bytes)
        machines.write(to: &bytes)
        prices.write(to: &bytes)
        instances.write(to: &bytes)
        subscriptions.write(to: &bytes)
        terms.write(to: &bytes)
        open.write(to: &bytes)
        invoices.write(to: &bytes)
        series.write(to: &bytes)
        incidents.write(to: &bytes)
        contracts.write(to: &bytes)
        received.write(to: &bytes)
        closedBefore.write(to: &bytes)
        lastMovement.write(to: &bytes)
        postings.write(to: &bytes)
        if !allotments.isEmpty || !reservations.isEmpty { allotments.write(to: &bytes) }
        if !reservations.isEmpty { reservations.write(to: &bytes) }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init()
        accounts = try .init(from: &reader)
        projects = try .init(from: &reader)
        resources = try .init(from: &reader)
        machines = try .init(from: &reader)
        prices = try .init(from: &reader)
        instances = try .init(from: &reader)
        subscriptions = try .init(from: &reader)
        terms = try .init(from: &reader)
        open = try .init(from: &reader)
        invoices = try .init(from: &reader)
        series = try .init(from: &reader)
        incidents = try .init(from: &reader)
        contracts = try .init(from: &reader)
        received = try .init(from: &reader)
        closedBefore = try .init(from: &reader)
        lastMovement = try .init(from: &reader)
        postings = try .init(from: &reader)
        if reader.version >= 5 { allotments = try .init(from: &reader) }
        if reader.version >= 6 { reservations = try .init(from: &reader) }
    }
}
