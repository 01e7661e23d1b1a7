import Automata
import Peer

/// DNS-SD on the links: each host publishes itself and browses for the others of its link.
extension PeerPopulation {
    typealias World = Core<PeerMessage>

    /// A process begins to browse, or browses for more.
    mutating func browse(_ scope: BrowseScope, at host: UInt32, _ core: inout World) {
        guard hasLinks else { return }
        if scope == .everyone, !hosts[Int(host)].isMaster { reached["no master on the link", default: 0] += 1 }
        hosts[Int(host)].browser.scope = scope
        if scope == .masters {
            hosts[Int(host)].browser.cache = hosts[Int(host)].browser.cache.filter { hosts[Int($0.host)].isMaster }
        }
        hosts[Int(host)].browser.queryDue = core.now + linkDraw.within(LinkRules.firstQuery)
        hosts[Int(host)].browser.queryGap = LinkRules.queryGap
        setLinkTimer(of: host, &core)
    }

    /// The peer says something of itself, for the first time or anew.
    mutating func publish(_ record: Advertisement, from host: UInt32, _ core: inout World) {
        guard hasLinks else { return }
        if var service = hosts[Int(host)].service {
            service.record = record
            // 8.4: what changed is announced again, without probing.
            if service.isAnnounced {
                service.announcements = [core.now, core.now + LinkRules.announcementGap]
            }
            hosts[Int(host)].service = service
        } else {
            let first = core.now + linkDraw.within(LinkRules.probeDelay) + LinkRules.probing
            hosts[Int(host)].service = Service(record, announcements: [first, first + LinkRules.announcementGap])
        }
        setLinkTimer(of: host, &core)
    }

    /// A process is gone; on a machine that is still up the system's daemon says goodbye for it.
    mutating func withdraw(_ host: UInt32, withMachine: Bool, _ core: inout World) {
        guard hasLinks else { return }
        links[Int(hosts[Int(host)].lan)].drop(host)
        guard !withMachine, let service = hosts[Int(host)].service, service.isAnnounced else { return }
        send(.goodbye(service.record.peer), from: host, &core)
    }

    /// What is due at a host's responder and querier.
    mutating func onLinkTimer(_ host: UInt32, _ core: inout World) {
        serve(host, &core)
        let now = core.now
        if hosts[Int(host)].browser.queryDue <= now {
            let browser = hosts[Int(host)].browser
            hosts[Int(host)].browser.queryDue = now + browser.queryGap
            hosts[Int(host)].browser.queryGap = min(browser.queryGap * 2, LinkRules.queryGapMax)
            send(.query(from: host, browser.scope, known: browser.known(at: now)), from: host, &core)
        }
        var gone: [Browser.Cached] = []
        for index in hosts[Int(host)].browser.cache.indices.reversed() {
            let item = hosts[Int(host)].browser.cache[index]
            if item.expires <= now {
                gone.append(hosts[Int(host)].browser.cache.remove(at: index))
            } else if item.refreshDue <= now {
                let slack = linkDraw.within(LinkRules.refreshSlack)
                hosts[Int(host)].browser.refreshed(index, slack: slack)
                send(.refresh(from: host, item.peer), from: host, &core)
            }
        }
        setLinkTimer(of: host, &core)
        for item in gone {
            reached["service vanished", default: 0] += 1
            give(.withdrawn(item.peer, ended: item.ended), to: host, &core)
        }
    }

    private mutating func serve(_ host: UInt32, _ core: inout World) {
        guard var service = hosts[Int(host)].service, service.due <= core.now else { return }
        var isSent = false
        if let due = service.announcements.first, due <= core.now {
            service.announcements.removeFirst()
            isSent = true
        }
        if service.answerDue <= core.now {
            service.answerDue = .max
            isSent = isSent || core.now - service.lastSent >= LinkRules.rateLimit
        }
        if isSent {
            service.isAnnounced = true
            service.lastSent = core.now
        }
        hosts[Int(host)].service = service
        if isSent { send(.announcement(service.record, of: host), from: host, &core) }
    }

    private mutating func send(_ packet: Packet, from host: UInt32, _ core: inout World) {
        multicasts += 1
        run(.packet(packet), at: core.now + linkDelay, of: host, &core)
    }

    /// A packet is on the link of its sender: everybody there hears it, but for those who lose it.
    mutating func onPacket(_ packet: Packet, from sender: UInt32, _ core: inout World) {
        let loss = multicastLoss + core.network.loss
        for host in links[Int(hosts[Int(sender)].lan)] where host != sender {
            guard !core.network.isCut(from: sender, to: host) else { continue }
            guard !linkDraw.chance(loss) else {
                reached["multicast lost", default: 0] += 1
                continue
            }
            hear(packet, at: host, &core)
        }
    }

    private mutating func hear(_ packet: Packet, at host: UInt32, _ core: inout World) {
        switch packet {
        case .announcement(let record, let owner):
            guard hosts[Int(host)].browser.scope == .everyone || record.isMaster else { return }
            let most = hosts[Int(host)].isMaster ? Int.max : LinkRules.watchedByMachines
            guard hosts[Int(host)].browser.hasRoom(for: record, most: most) else { return }
            let slack = linkDraw.within(LinkRules.refreshSlack)
            let isNew = hosts[Int(host)].browser.hear(record, of: owner, at: core.now, slack: slack)
            setLinkTimer(of: host, &core)
            if isNew { give(.discovered(record), to: host, &core) }
        case .goodbye(let peer):
            guard let index = hosts[Int(host)].browser.index(of: peer) else { return }
            hosts[Int(host)].browser.cache[index].expires = core.now + LinkRules.goodbye
            hosts[Int(host)].browser.cache[index].refreshDue = .max
            setLinkTimer(of: host, &core)
        case .query(_, let scope, let known):
            // 7.3: whoever was about to ask the same need not.
            let browser = hosts[Int(host)].browser
            if browser.scope == scope, browser.queryDue - core.now < LinkRules.queryGap,
                Set(known).isSubset(of: browser.known(at: core.now))
            {
                hosts[Int(host)].browser.queryDue = core.now + browser.queryGap
                hosts[Int(host)].browser.queryGap = min(browser.queryGap * 2, LinkRules.queryGapMax)
            }
            guard let record = hosts[Int(host)].service?.record, !known.contains(record.peer),
                scope == .everyone || record.isMaster
            else { return }
            answer(host, &core)
        case .refresh(_, let peer):
            if hosts[Int(host)].service?.record.peer == peer { return answer(host, &core) }
            // 7.3 again: the answer will be heard here, too.
            guard let index = hosts[Int(host)].browser.index(of: peer) else { return }
            let soon = core.now + LinkRules.queryGap
            if hosts[Int(host)].browser.cache[index].refreshDue < soon {
                let slack = linkDraw.within(LinkRules.refreshSlack)
                hosts[Int(host)].browser.refreshed(index, slack: slack)
            }
        }
    }

    private mutating func answer(_ host: UInt32, _ core: inout World) {
        guard hosts[Int(host)].service?.isAnnounced == true, hosts[Int(host)].service?.answerDue == .max else { return }
        hosts[Int(host)].service?.answerDue = core.now + linkDraw.within(LinkRules.answerDelay)
        setLinkTimer(of: host, &core)
    }

    private func setLinkTimer(of host: UInt32, _ core: inout World) {
        let due = min(hosts[Int(host)].service?.due ?? .max, hosts[Int(host)].browser.due)
        guard due < .max, core.isUp(host) else { return }
        core.setTimer(Self.linkTimer, of: host, atTime: due)
    }
}
