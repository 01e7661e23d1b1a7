import Automata
import Ledger

/// Groups and their members in documents.
extension Views {
    /// - Parameter requests: those of its customer, its members among them.
    func instance(_ request: Request, among requests: [Request]) -> InstanceDocument {
        var document = instance(request)
        document.group = group(request, among: requests)
        return document
    }

    private func group(_ request: Request, among requests: [Request]) -> GroupDocument? {
        guard let terms = request.specification.group else { return nil }
        let members = requests.filter { $0.groupKey == request.key }.sorted {
            ($0.key.memberNumber ?? 0, $0.key) < ($1.key.memberNumber ?? 0, $1.key)
        }
        let wanted = request.memberSpecification
        let current = members.filter { $0.specification == wanted }
        return GroupDocument(
            count: terms.count, present: members.count, ready: current.count { $0.isSettled },
            spread: terms.spread?.rawValue, scale: terms.scale.isEmpty ? nil : terms.scale,
            warm: terms.isWarm ? warmth(request, terms) : nil,
            members: members.map { member in
                GroupDocument.Member(
                    reference: member.key.reference, state: member.status.state.rawValue,
                    reason: member.status.reason, where: member.placement.map { place($0) },
                    isCurrent: member.specification == wanted)
            },
            decisions: request.decisions.map { decision in
                GroupDocument.Decision(
                    at: DocumentCoding.text(of: decision.at), kind: decision.kind.rawValue, from: decision.from,
                    to: decision.to, reason: decision.reason, text: decision.text)
            })
    }

    private func warmth(_ request: Request, _ terms: GroupTerms) -> GroupDocument.Warmth {
        let arrivals = request.arrivals
        let preparing = arrivals?.preparing ?? .zero
        return GroupDocument.Warmth(
            forecast: terms.forecast.isEmpty ? nil : terms.forecast, served: arrivals?.served ?? 0,
            missed: arrivals?.missed ?? 0,
            preparingSeconds: preparing == .zero ? nil : Double(preparing.milliseconds) / 1_000)
    }

    /// Why a group has as many members as it has, and why one of them is not as it should be.
    func why(_ request: Request, among requests: [Request], namesMax: Int?) -> WhyDocument {
        let member = member(of: request, among: requests)
        var why = why(member ?? request, namesMax: namesMax)
        why.instance = instance(request, among: requests)
        let group = why.instance.group
        var story = [
            "\(request.key) is a group: \(group?.count ?? 0) are wanted, \(group?.present ?? 0) are there, "
                + "\(group?.ready ?? 0) are as they should be."
        ]
        if let scale = group?.scale { story.append("It follows the rule \(scale).") }
        story += (group?.decisions.suffix(3) ?? []).map { "At \($0.at) it \($0.text)." }
        if member != nil { story += why.explanation }
        why.explanation = story
        return why
    }

    /// What a group's owner asks is asked of machines for its members: the first that is not as it should be, or the next.
    func member(of request: Request, among requests: [Request]) -> Request? {
        let members = requests.filter { $0.groupKey == request.key && $0.specification.desired != .destroyed }
        return members.first { !$0.isSettled } ?? members.first
    }
}
