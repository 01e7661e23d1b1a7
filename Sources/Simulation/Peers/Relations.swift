import Automata
import Ledger
import Peer

/// Requests that are to be on another host than others.
extension Users {
    /// Drawn behind everything else, so that the same seed without relations asks for the same.
    mutating func addRelations(_ settings: FabricSettings) {
        guard settings.apartPerMille > 0 else { return }
        for number in 0..<settings.requests where random.chance(perMille: settings.apartPerMille) {
            let earlier = (0..<number).filter { users[$0].key.customer == users[number].key.customer }
            guard let other = random.pick(earlier) else { continue }
            users[number].specification.requirements.relations = [
                Relation(isApart: true, scope: .host, reference: users[other].key.reference)
            ]
        }
    }
}

extension PeerPopulation {
    /// **relations**: when all is over, nobody stands where a request of the same ledger has asked that he does not, whichever
    /// of the two came, moved or was lost last.
    mutating func misplaced() -> String? {
        guard settings.apartPerMille > 0 else { return nil }
        for host in watch.running.items.sorted() {
            for ledger in hosts[Int(host)].peer?.ledgers ?? [] {
                guard let books = ledger.desk?.requests.books else { continue }
                for key in books.held {
                    guard let request = books[key], let here = request.placement else { continue }
                    for relation in request.specification.requirements.relations where relation.isApart {
                        let named = RequestKey(customer: key.customer, reference: relation.reference)
                        guard let there = books[named]?.placement else { continue }
                        reached["kept apart", default: 0] += 1
                        if here.machine == there.machine {
                            return "\(key) is to be on \(relation), and both are on \(here.machine.fingerprint)"
                        }
                    }
                }
            }
        }
        return nil
    }
}
