import Accounting
import Automata
import Claims
import Ledger
import Peer

/// What quotas and shares mean for a request.
extension Views {
    /// Why the project's quota keeps a request waiting; nil: it does not, or its ledger's books are not here.
    func quotaMismatch(of request: Request) -> Mismatch? {
        guard request.placement == nil, request.specification.desired == .running,
            let project = request.specification.project, let books = books(of: request),
            let (wanted, most) = books.quota(of: project).excess(
                of: books.holdings(of: project) + request.specification.holdings)
        else { return nil }
        return Mismatch(.quota, wanted: wanted, found: most)
    }

    /// What its project has, and whether it is about to lose the request's machine.
    func shareNotes(on request: Request) -> [String] {
        guard let books = books(of: request) else { return [] }
        if let other = request.givesWay { return ["It gives way to \(other): its machine is being emptied."] }
        guard let project = request.specification.project else { return [] }
        let share = books.share(of: project)
        let weight = share.weight == 1 ? "" : " of share \(share.weight)"
        guard request.placement == nil else { return [] }
        return ["Its project \(project) has \(share.held) partition\(share.held == 1 ? "" : "s")\(weight)."]
    }

    private func books(of request: Request) -> Books? {
        let ledger = peer.ledger(for: request.key, asking: request.specification) ?? peer.id
        return peer.ledgers.first { $0.id == ledger }?.books
    }
}
