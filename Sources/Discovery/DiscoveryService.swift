public import Automata
public import Logging

/// Publishes one peer on the link and tells who else is there. See `Discovery.swift` for words and flow.
///
///     let service = try DiscoveryService(configuration: configuration, logger: logger) { event in … }
///     service.start()
///     service.browse(.everyone)
///     try service.publish(advertisement)      // again at each change
///     await service.withdraw()                // ended, then goodbye
///     await service.stop()
public final class DiscoveryService: Sendable {
    private let loop: AvahiLoop
    private let core: DiscoveryCore

    /// - Parameter logger: all that is logged here is at `debug`; what matters to people is a `DiscoveryStatus`.
    /// - Parameter handler: called on discovery's own thread, one event at a time, in order. It must not block: it hands
    ///   the event to the peer's event loop.
    /// - Throws: when the system gives no thread or no descriptor.
    public init(
        configuration: DiscoveryConfiguration, logger: Logger, handler: @escaping @Sendable (DiscoveryEvent) -> Void
    ) throws(DiscoveryError) {
        do {
            loop = try AvahiLoop()
            core = DiscoveryCore(
                configuration, loop: loop, log: DiscoveryLog(logger: logger), handler: handler)
            try loop.start()
        } catch {
            throw DiscoveryError(message: "discovery cannot start: \(error.message)")
        }
    }

    deinit {
        loop.enqueue { [core] in core.stop() }
    }

    /// Chooses a back end; the first events are statuses. Call it once.
    public func start() {
        loop.enqueue { [core] in core.start() }
    }

    /// Looks for others on the link: for masters by their sub-type, or for everyone, masters first. Now and then it asks for
    /// masters, too, where browsing may not show them all. When it is narrowed, those found
    /// before who are not seen again fade.
    public func browse(_ scope: BrowseScope) {
        loop.enqueue { [core] in core.browse(scope) }
    }

    /// Asks the link once who is there, besides browsing: for one who has just come, and would wait for a browser's first
    /// answers. Who answers is `found`, maybe several times, and not followed up.
    public func ask(for scope: BrowseScope) {
        loop.enqueue { [core] in core.ask(for: scope) }
    }

    /// Makes the link show this advertisement: at once for the first, at most once per `publishInterval` afterwards, the
    /// latest winning. Never blocks.
    ///
    /// The port is that of the first endpoint. Its endpoints' hosts restrict what addresses the embedded back end
    /// publishes: literal ones to themselves, `0.0.0.0` to IPv4; `::` or no endpoint stand for all of the host.
    ///
    /// - Throws: when a field breaks its bound, so that no peer would accept it; nothing is published then.
    public func publish(_ advertisement: Advertisement) throws(AdvertisementTextError) {
        _ = try AdvertisementText.encode(advertisement)
        loop.enqueue { [core] in core.publish(advertisement) }
    }

    /// Publishes the ended flag, waits until it was heard on the link or 0.9 s, and takes the service off it. What is
    /// published meanwhile is dropped. Browsing goes on; a later version of the advertisement, published afterwards,
    /// brings the service back.
    public func withdraw() async {
        await withCheckedContinuation { done in
            let accepted = loop.enqueue { [core] in core.withdraw { done.resume() } }
            if !accepted { done.resume() }
        }
    }

    /// Ends everything; no event follows. What is still published gets its goodbye, without the ended flag.
    public func stop() async {
        await withCheckedContinuation { done in
            let accepted = loop.enqueue { [core] in
                core.stop()
                done.resume()
            }
            if !accepted { done.resume() }
        }
    }

    /// Whether multicast comes back to its sender on this host's links; for `doctor`.
    ///
    /// - Parameter interfaces: their names; nil for all.
    public static func checkMulticast(interfaces: [String]? = nil, timeout: Duration = .seconds(3)) async
        -> MulticastCheck
    {
        await withCheckedContinuation { done in
            do {
                try runOnThread { done.resume(returning: MulticastCheck.run(interfaces: interfaces, timeout: timeout)) }
            } catch {
                done.resume(returning: MulticastCheck(links: []))
            }
        }
    }

    /// Which back end `auto` would take now, and why; for `doctor`. Starts nothing.
    public static func checkBackEnd() async -> (backEnd: DiscoveryBackEnd, reason: String) {
        await withCheckedContinuation { done in
            do throws(BackEndError) {
                try runOnThread {
                    if let absence = DaemonBackEnd.absence() {
                        done.resume(
                            returning: (.embedded, "no avahi-daemon answers on the system D-Bus (\(absence))"))
                    } else {
                        done.resume(returning: (.daemon, "avahi-daemon answers on the system D-Bus"))
                    }
                }
            } catch {
                done.resume(returning: (.none, error.message))
            }
        }
    }
}

/// Why there is no discovery at all.
public struct DiscoveryError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public var description: String { message }
}
