import Automata
import Overlay

/// Places in trees: joining, taking in, leaving, being root.
extension Groups {
    // MARK: Membership

    mutating func onJoin(_ key: Key, value: Int64, at now: Instant, into effects: inout [Effect]) {
        if let index = index(of: key) {
            groups[index].value = value
            noteChange(at: index, now, into: &effects)
            return
        }
        guard let index = insert(key) else {
            effects.append(.refused(group: key, .tooManyGroups(max: configuration.groupsMax)))
            return
        }
        groups[index].value = value
        sendJoin(at: index, now, into: &effects)
    }

    mutating func onUpdate(_ key: Key, value: Int64, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: key), groups[index].value != nil else { return }
        groups[index].value = value
        noteChange(at: index, now, into: &effects)
    }

    mutating func onLeave(_ key: Key, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: key) else { return }
        groups[index].value = nil
        settle(at: index, now, into: &effects)
    }

    /// A member or a child has gone: who is not needed in the tree leaves it.
    mutating func settle(at index: Int, _ now: Instant, into effects: inout [Effect]) {
        guard groups[index].isIdle else {
            noteChange(at: index, now, into: &effects)
            return
        }
        let group = groups.remove(at: index)
        if let parent = group.parent { effects.append(.send(.leave(group: group.key), to: parent)) }
    }

    // MARK: Joining

    /// Asks for a place in the tree, for this peer and all that is below it.
    mutating func sendJoin(at index: Int, _ now: Instant, into effects: inout [Effect]) {
        let group = groups[index]
        let summary = group.summary(own: id)
        let payload = RoutedPayload.join(summary, isDirect: group.isDirect || group.tries >= 2)
        groups[index].place = .joining(asked: nil)
        groups[index].redirects = 0
        groups[index].tries = min(group.tries + 1, 5)
        groups[index].reported = summary
        let pause = configuration.joinTimeout * (1 << min(Int(group.tries), 4))
        groups[index].deadline = now + pause + random.duration(in: .zero...pause / 2)
        effects.append(.route(key: group.key, payload: payload.bytes))
        wake(at: groups[index].deadline, into: &effects)
    }

    /// A peer without a parent starts anew; what is below it stays.
    mutating func rejoin(at index: Int, isDirect: Bool = false, _ now: Instant, into effects: inout [Effect]) {
        counters.rejoined &+= 1
        if configuration.sabotage.contains(.forgetChildren) { groups[index].children = [] }
        groups[index].place = .joining(asked: nil)
        groups[index].path = []
        groups[index].tries = 0
        groups[index].isDirect = isDirect
        if groups[index].isIdle {
            groups.remove(at: index)
        } else {
            sendJoin(at: index, now, into: &effects)
        }
    }

    /// A join of another peer passes on its way to the root.
    ///
    /// - Returns: false when it is to go on.
    mutating func keepJoin(
        _ key: Key, _ summary: Summary, of peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        guard peer != id else { return false }
        if let index = index(of: key) { return adopt(peer, summary, at: index, now, into: &effects) }
        guard let index = insert(key) else { return false }
        _ = adopt(peer, summary, at: index, now, into: &effects)
        sendJoin(at: index, now, into: &effects)
        return true
    }

    mutating func onJoinDelivered(
        _ key: Key, _ summary: Summary, of peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        // Our own, and nobody is nearer: we are the root by now. Or we have left meanwhile.
        guard peer != id else { return }
        guard let index = index(of: key) ?? insert(key) else {
            counters.refused &+= 1
            return
        }
        becomeRoot(at: index, into: &effects)
        _ = adopt(peer, summary, at: index, now, into: &effects)
    }

    /// A joiner that was sent here by its parent to be.
    mutating func onAsked(
        _ key: Key, _ summary: Summary, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        if let index = index(of: key), adopt(peer, summary, at: index, now, into: &effects) { return }
        effects.append(.send(.dropped(group: key), to: peer))
    }

    /// Takes a child in, or sends it on to one of the children.
    ///
    /// - Returns: false when the peer is an ancestor, or the tree too deep here.
    private mutating func adopt(
        _ peer: PeerID, _ summary: Summary, at index: Int, _ now: Instant, into effects: inout [Effect]
    ) -> Bool {
        let group = groups[index]
        if !configuration.sabotage.contains(.adoptAncestor) {
            guard !group.path.contains(peer) else { return false }
        }
        guard group.path.count < Group.pathMax else { return false }
        if let child = group.indexOfChild(peer) {
            groups[index].children[child].summary = summary
            groups[index].children[child].heard = now
        } else if group.children.count < configuration.childrenMax || configuration.sabotage.contains(.ignoreLimit) {
            groups[index].children.append(Group.Child(peer: peer, summary: summary, heard: now))
            wake(at: now + childSilence, into: &effects)
        } else {
            counters.pushedDown &+= 1
            let child = group.children[random.below(group.children.count)].peer
            effects.append(.send(.redirected(group: group.key, to: child), to: peer))
            return true
        }
        effects.append(.send(.attached(group: group.key, path: group.path), to: peer))
        noteChange(at: index, now, into: &effects)
        return true
    }

    mutating func onRedirected(_ key: Key, to child: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: key), case .joining = groups[index].place else { return }
        guard child != id, groups[index].redirects < Group.redirectsMax, groups[index].indexOfChild(child) == nil
        else {
            counters.refused &+= 1
            return
        }
        groups[index].redirects += 1
        groups[index].place = .joining(asked: child)
        groups[index].reported = groups[index].summary(own: id)
        // Who does not answer may be dead: its parent does not know it yet, and will choose another one some time.
        groups[index].deadline = now + configuration.answerTimeout
        effects.append(.send(.join(group: key, groups[index].reported), to: child))
        wake(at: groups[index].deadline, into: &effects)
    }

    // MARK: The parent

    mutating func onAttached(
        _ key: Key, path: [PeerID], to peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard path.count <= Group.pathMax else {
            counters.refused &+= 1
            return
        }
        guard let index = index(of: key) else {
            effects.append(.send(.leave(group: key), to: peer))
            return
        }
        if path.contains(id) || groups[index].indexOfChild(peer) != nil,
            !configuration.sabotage.contains(.adoptAncestor)
        {
            leaveCircle(at: index, through: peer, now, into: &effects)
            return
        }
        let path = Array(([peer] + path).prefix(Group.pathMax))
        switch groups[index].place {
        case .child(of: peer):
            let isAnswer = groups[index].tries > 0
            groups[index].tries = 0
            if isAnswer { groups[index].deadline = nextReport(after: now) }
            take(path, at: index, into: &effects)
            noteChange(at: index, now, into: &effects)
        case .joining:
            groups[index].place = .child(of: peer)
            groups[index].tries = 0
            groups[index].isDirect = false
            groups[index].deadline = nextReport(after: now)
            groups[index].reportedAt = now
            wake(at: groups[index].deadline, into: &effects)
            take(path, at: index, into: &effects)
            noteChange(at: index, now, into: &effects)
        case .child, .root:
            effects.append(.send(.leave(group: key), to: peer))
        }
    }

    /// Somebody below this peer took it in, or is among its ancestors otherwise.
    private mutating func leaveCircle(
        at index: Int, through peer: PeerID, _ now: Instant, into effects: inout [Effect]
    ) {
        counters.circles &+= 1
        effects.append(.send(.leave(group: groups[index].key), to: peer))
        switch groups[index].place {
        case .child(of: peer):
            rejoin(at: index, isDirect: true, now, into: &effects)
        case .joining:
            // Not at once: paths need a moment to become true.
            groups[index].isDirect = true
        case .child, .root: break
        }
    }

    /// The way to the top, which all below must know too.
    private mutating func take(_ path: [PeerID], at index: Int, into effects: inout [Effect]) {
        guard groups[index].path != path else { return }
        groups[index].path = path
        tellPath(at: index, into: &effects)
    }

    private func tellPath(at index: Int, into effects: inout [Effect]) {
        let group = groups[index]
        for child in group.children {
            effects.append(.send(.attached(group: group.key, path: group.path), to: child.peer))
        }
    }

    mutating func onDropped(_ key: Key, by peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: key) else { return }
        switch groups[index].place {
        case .child(of: peer):
            rejoin(at: index, now, into: &effects)
        case .joining(asked: peer):
            groups[index].isDirect = true
            // At once the first times; then the deadline paces, since refusals come as fast as the network carries them.
            if groups[index].tries < 3 { sendJoin(at: index, now, into: &effects) }
        case .child, .joining, .root: break
        }
    }

    mutating func onChildLeft(_ key: Key, _ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: key), let child = groups[index].indexOfChild(peer) else { return }
        groups[index].children.remove(at: child)
        settle(at: index, now, into: &effects)
    }

    // MARK: The root

    /// The overlay delivered here: nobody is nearer to the key.
    mutating func becomeRoot(at index: Int, into effects: inout [Effect]) {
        guard groups[index].place != .root else { return }
        if let parent = groups[index].parent { effects.append(.send(.leave(group: groups[index].key), to: parent)) }
        groups[index].place = .root
        groups[index].path = []
        groups[index].deadline = .distantFuture
        groups[index].tries = 0
        groups[index].isDirect = false
        tellPath(at: index, into: &effects)
    }

    /// Hands over what another peer is nearer to.
    mutating func onNeighboursChanged(_ leaves: LeafSet, at now: Instant, into effects: inout [Effect]) {
        guard !groups.isEmpty, !configuration.sabotage.contains(.keepRoot) else { return }
        let lost = groups.filter { group in
            group.place == .root
                && (leaves.smaller.contains { $0.isCloser(to: group.key, than: id) }
                    || leaves.larger.contains { $0.isCloser(to: group.key, than: id) })
        }
        for group in lost {
            guard let index = index(of: group.key) else { continue }
            rejoin(at: index, now, into: &effects)
        }
    }
}
