import Automata
import Overlay

/// Reports up the tree, time-outs, failures.
extension Groups {
    // MARK: Reports

    /// How long a child may say nothing.
    var childSilence: Duration { configuration.heartbeat * 2 + configuration.answerTimeout * Int(Group.reportsMax) }

    /// Spread, so that the children of one parent do not report in step for ever.
    mutating func nextReport(after now: Instant) -> Instant {
        now + random.duration(in: configuration.heartbeat * 9 / 10...configuration.heartbeat)
    }

    /// The members below may be others, or have other values: the parent is to know soon.
    mutating func noteChange(at index: Int, _ now: Instant, into effects: inout [Effect]) {
        let group = groups[index]
        // A report under way: its answer comes back here.
        guard group.parent != nil, group.tries == 0, !configuration.sabotage.contains(.staleSummary) else { return }
        guard group.summary(own: id) != group.reported else { return }
        let soonest = max(now, group.reportedAt + configuration.reportDelay)
        guard soonest > now else {
            sendReport(at: index, now, into: &effects)
            return
        }
        groups[index].deadline = min(group.deadline, soonest)
        wake(at: groups[index].deadline, into: &effects)
    }

    private mutating func sendReport(at index: Int, _ now: Instant, into effects: inout [Effect]) {
        guard let parent = groups[index].parent else { return }
        if !configuration.sabotage.contains(.staleSummary) {
            groups[index].reported = groups[index].summary(own: id)
        }
        groups[index].reportedAt = now
        groups[index].tries += 1
        groups[index].deadline = now + configuration.answerTimeout
        effects.append(.send(.report(group: groups[index].key, groups[index].reported), to: parent))
        wake(at: groups[index].deadline, into: &effects)
    }

    mutating func onReport(
        _ key: Key, _ summary: Summary, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: key) else {
            effects.append(.send(.dropped(group: key), to: peer))
            return
        }
        let group = groups[index]
        if let child = group.indexOfChild(peer) {
            groups[index].children[child].summary = summary
            groups[index].children[child].heard = now
            effects.append(.send(.attached(group: key, path: group.path), to: peer))
            noteChange(at: index, now, into: &effects)
        } else if configuration.sabotage.contains(.forgetChildren) {
            effects.append(.send(.attached(group: key, path: group.path), to: peer))
        } else if group.children.count < configuration.childrenMax {
            // It was forgotten by mistake: back without a new join.
            onAsked(key, summary, from: peer, at: now, into: &effects)
        } else {
            effects.append(.send(.dropped(group: key), to: peer))
        }
    }

    // MARK: Failures

    mutating func onFailed(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard peer != id else { return }
        for key in groups.filter({ $0.concerns(peer) }).map(\.key) {
            onChildLeft(key, peer, at: now, into: &effects)
            guard let index = index(of: key) else { continue }
            switch groups[index].place {
            case .child(of: peer): rejoin(at: index, now, into: &effects)
            case .joining(asked: peer): sendJoin(at: index, now, into: &effects)
            case .child, .joining, .root: break
            }
        }
        passOver(at: now, into: &effects) { $0.to == peer }
    }

    // MARK: The timer

    mutating func onUpkeep(at now: Instant, into effects: inout [Effect]) {
        guard now >= timerAt else { return }
        timerAt = .distantFuture
        let silence = childSilence
        for key in groups.filter({ $0.due(childSilence: silence) <= now }).map(\.key) {
            forgetSilentChildren(of: key, at: now, into: &effects)
            guard let index = index(of: key), groups[index].deadline <= now else { continue }
            onDeadline(at: index, now, into: &effects)
        }
        resendVisits(at: now, into: &effects)
        onCallsDue(at: now, into: &effects)
        let next = min(
            groups.reduce(Instant.distantFuture) { min($0, $1.due(childSilence: silence)) },
            min(
                handedOn.reduce(Instant.distantFuture) { min($0, $1.deadline) },
                calls.reduce(Instant.distantFuture) { min($0, $1.deadline) }))
        if next < .distantFuture { wake(at: next, into: &effects) }
    }

    private mutating func onDeadline(at index: Int, _ now: Instant, into effects: inout [Effect]) {
        switch groups[index].place {
        case .root:
            groups[index].deadline = .distantFuture
        case .joining:
            sendJoin(at: index, now, into: &effects)
        case .child(let parent):
            if groups[index].tries < Group.reportsMax {
                sendReport(at: index, now, into: &effects)
            } else if configuration.sabotage.contains(.trustParent) {
                groups[index].tries = 0
                groups[index].deadline = nextReport(after: now)
            } else {
                // Should it live after all, it need not serve us any longer.
                effects.append(.send(.leave(group: groups[index].key), to: parent))
                rejoin(at: index, now, into: &effects)
            }
        }
    }

    private mutating func forgetSilentChildren(of key: Key, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: key) else { return }
        let silence = childSilence
        let before = groups[index].children.count
        groups[index].children.removeAll { $0.heard + silence <= now }
        if groups[index].children.count < before { settle(at: index, now, into: &effects) }
    }
}

extension Group {
    /// Whether the peer is a child, the parent, or who was asked to be.
    fileprivate func concerns(_ peer: PeerID) -> Bool {
        place == .child(of: peer) || place == .joining(asked: peer) || indexOfChild(peer) != nil
    }
}
