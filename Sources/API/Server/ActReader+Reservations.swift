import Accounting
import Automata
import Claims
import Ledger

/// Places that are kept for projects.
extension ActReader {
    func reservation(of project: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["name", "from", "until", "count", "requirements"])
        let name = try reader.requiredText("name")
        guard let from = try instant(reader, "from") else { throw missing("from", "a date or an instant") }
        guard let until = try instant(reader, "until") else { throw missing("until", "a date or an instant") }
        guard let count = try reader.integer("count", in: 1...Int64(ReservationOrder.countMax)) else {
            throw missing("count", "a number from 1 to \(ReservationOrder.countMax)")
        }
        guard from < until else {
            throw ProblemDocument(
                Refusal(
                    .invalid, "until: \(until.civilText) is not behind \(from.civilText)",
                    remedy: "give an end after the beginning", rule: Rule.emptyPeriod.rawValue), field: "until")
        }
        let needs = try reader.object("requirements", known: RequirementsWish.known)
        if let needs, let field = ["relations", "reservation"].first(where: { needs.has($0) }) {
            throw ProblemDocument(
                .invalid, "requirements.\(field): a place that is kept has none",
                remedy: "say it of the requests that take the places", field: "requirements.\(field)")
        }
        var requirements = Requirements()
        try RequirementsWish(needs).apply(to: &requirements, of: RequestKey(placeOf: name, number: 1))
        let demand = Demand(of: requirements)
        return .reserved(
            ReservationOrder(
                id: ReservationID(name), project: ProjectID(project), period: Period(from: from, to: until),
                count: Int(count), requirements: requirements,
                reserves: Holdings(cores: demand.cores, memory: demand.memory, gpus: demand.gpus)))
    }
}
