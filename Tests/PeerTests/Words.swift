import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Replication
import Synchronization
import Testing

@testable import Peer

func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

func name(_ id: PeerID) -> String { "n" + String(id.description.prefix(2)) }

func key(_ reference: String = "web") -> RequestKey {
    RequestKey(customer: Customer("ada"), reference: reference)
}

func specification(
    _ parameters: String = "{}", _ desired: DesiredState = .running, exclusive: Bool = false, on machine: String? = nil
) -> Specification {
    Specification(
        release: ReleaseDocument(url: "file:web.yaml", text: "name: web"), parameters: parameters,
        requirements: Requirements(machine: machine), desired: desired, exclusive: exclusive)
}

func ask(_ specification: Specification = specification(), key: RequestKey = key(), wait: Wait? = nil) -> Call {
    .request(.ask(key, specification, basedOn: nil, wait: wait))
}

func read(_ key: RequestKey = key()) -> Call { .request(.read(key, wait: nil)) }

extension CallResult {
    var request: Request? {
        if case .request(.request(let request)) = self { request } else { nil }
    }

    var refusal: Refusal? {
        switch self {
        case .refused(let refusal), .request(.refused(let refusal)): refusal
        default: nil
        }
    }
}
