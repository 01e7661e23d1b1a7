import Automata
import CAvahi

#if canImport(Glibc)
import Glibc
#endif

/// libavahi-core in our own process.
///
/// Several processes of one host, of different users, each run one: they share port 5353. What differs from Avahi's
/// ordinary use, and why:
/// - No probing before the first announcement (see `DNSRecord.Manner`).
/// - Avahi publishes no address of its own accord: with reverse records two processes of one host would contend for
///   ever. Ours are added by hand, each on its own interface, and follow the system's changes.
/// - Records are made by hand, because only so they have a time to live of our choice.
final class EmbeddedBackEnd: BackEnd {
    private let setting: BackEndSetting
    private let records: ServiceRecords
    private let ledgerRecords: ServiceRecords?
    private var server: OpaquePointer?
    private var registrar: RecordRegistrar?
    private var browsers: [Lookups.Source: OpaquePointer] = [:]
    private var lookups: Lookups
    private var resolvers: [SightingKey: OpaquePointer] = [:]
    private var retries = Retries()
    private var textBrowsers = TextBrowsers()
    private var whereabouts = Whereabouts()
    /// What was asked for.
    private var wanted: Publication?
    /// The same with where we are, as it is on the link.
    private var published: Publication?
    /// Of PTR, SRV, TXT; they are changed in place.
    private var serviceGroup: OpaquePointer?
    private var subtypeGroups: [String: OpaquePointer] = [:]
    private var ledgerGroups: [LinkService: OpaquePointer] = [:]
    private var addressGroups: [InterfaceAddress: OpaquePointer] = [:]
    private var addressWatch: AddressWatch?

    init(_ setting: BackEndSetting) {
        self.setting = setting
        records = ServiceRecords(type: setting.type)
        ledgerRecords = LinkService.type(beside: setting.type).map { ServiceRecords(type: $0) }
        lookups = Lookups(othersMax: setting.othersMax)
    }

    private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    fileprivate static func from(_ context: UnsafeMutableRawPointer?) -> EmbeddedBackEnd? {
        context.map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: life

    /// Avahi draws its delays from the C library's generator, which starts alike in every process: without a seed all
    /// peers that start together would also speak together, again and again.
    private static let seeded: Void = srand(UInt32.random(in: 1...UInt32.max))

    func start() throws(BackEndError) {
        _ = Self.seeded
        var error: Int32 = 0
        var config = configuration()
        server = avahi_server_new(setting.loop.api, &config, onServer, context, &error)
        avahi_server_config_free(&config)
        guard let server else {
            throw BackEndError(
                message:
                    "libavahi-core could not start (\(avahiError(error))); is UDP port 5353 held by a program that "
                    + "does not share it?")
        }
        registrar = RecordRegistrar(
            server: server, recordTTLSeconds: setting.recordTTLSeconds, onState: onGroup, context: context)
        let watch = AddressWatch(loop: setting.loop) { [unowned self] in refresh() }
        watch.start()
        addressWatch = watch
        setting.report(.running)
    }

    private func configuration() -> AvahiServerConfig {
        var config = AvahiServerConfig()
        avahi_server_config_init(&config)
        avahi_free(config.host_name)
        config.host_name = avahi_strdup(InstanceLabel.host(of: setting.peer))
        config.publish_addresses = 0
        config.publish_hinfo = 0
        config.publish_workstation = 0
        config.publish_domain = 0
        config.add_service_cookie = 0
        config.enable_wide_area = 0
        // IPv6 multicast on loopback has no route: it would only log an error for each packet.
        config.use_ipv6 = setting.interfaces.map { $0.allSatisfy { $0 == "lo" } } == true ? 0 : 1
        // Avahi keeps what it hears, whoever has asked for it, and when it is full it takes nothing more.
        config.n_cache_entries_max = Self.cacheRecordsMax
        for interface in setting.interfaces ?? [] {
            config.allow_interfaces = avahi_string_list_add(config.allow_interfaces, interface)
        }
        return config
    }

    /// Six records a peer of 4,096 on each interface, and as many again for strangers' services; a record takes some 300 bytes.
    private static let cacheRecordsMax: UInt32 = 50_000

    func stop() {
        addressWatch?.stop()
        addressWatch = nil
        retries.cancelAll(setting.loop)
        // Frees browsers, resolvers and groups, and sends the goodbyes that are due.
        if let server { avahi_server_free(server) }
        (server, registrar) = (nil, nil)
        browsers = [:]
        lookups.removeAll()
        resolvers = [:]
        textBrowsers.removeAll()
        whereabouts.removeAll()
        forgetPublished()
    }

    private func forgetPublished() {
        published = nil
        serviceGroup = nil
        subtypeGroups = [:]
        ledgerGroups = [:]
        addressGroups = [:]
    }

    // MARK: publishing

    func publish(_ publication: Publication) {
        wanted = publication
        refresh()
    }

    /// Makes the link show what is wanted, and where we are now.
    private func refresh() {
        guard let registrar, var publication = wanted else { return }
        let addresses = Set(
            InterfaceAddress.publishable(
                InterfaceAddress.all(), interfaces: setting.interfaces, listening: publication.listening))
        publication.text.append(Whereabouts.mark(addresses, port: publication.port))
        if publication != published {
            do throws(BackEndError) {
                try register(publication, registrar)
            } catch {
                setting.log.debug("discovery.publish.failed", ["error": "\(error)", "label": "\(publication.label)"])
                return collide()
            }
            published = publication
        }
        refresh(addresses, of: publication, registrar)
    }

    private func register(_ publication: Publication, _ registrar: RecordRegistrar) throws(BackEndError) {
        if let published, published.label != publication.label || published.host != publication.host { unregister() }
        if let published {
            if published.port != publication.port {
                try registrar.add(
                    records.place(of: publication.service, hostName: publication.hostName), to: serviceGroup, .update)
            }
            if published.text != publication.text {
                try registrar.add(records.text(of: publication.service), to: serviceGroup, .update)
            }
        } else {
            serviceGroup = try registrar.group(records.all(publication.service, hostName: publication.hostName))
        }
        try refreshSubtypes(publication, registrar)
        try refreshLedgers(publication, registrar)
    }

    func withdraw() {
        wanted = nil
        unregister()
    }

    private func unregister() {
        for group in [serviceGroup].compactMap({ $0 }) + subtypeGroups.values + ledgerGroups.values
            + addressGroups.values
        {
            avahi_s_entry_group_free(group)
        }
        forgetPublished()
    }

    private func refreshLedgers(_ publication: Publication, _ registrar: RecordRegistrar) throws(BackEndError) {
        for (ledger, group) in ledgerGroups where !publication.ledgers.contains(ledger) {
            avahi_s_entry_group_free(group)
            ledgerGroups[ledger] = nil
        }
        guard let ledgerRecords else { return }
        for ledger in publication.ledgers where ledgerGroups[ledger] == nil {
            ledgerGroups[ledger] = try registrar.group(ledgerRecords.all(ledger, hostName: publication.hostName))
        }
    }

    private func refreshSubtypes(_ publication: Publication, _ registrar: RecordRegistrar) throws(BackEndError) {
        for (subtype, group) in subtypeGroups where !publication.subtypes.contains(subtype) {
            avahi_s_entry_group_free(group)
            subtypeGroups[subtype] = nil
        }
        for subtype in publication.subtypes where subtypeGroups[subtype] == nil {
            subtypeGroups[subtype] = try registrar.group([records.subtype(subtype, of: publication)])
        }
    }

    private func refresh(
        _ addresses: Set<InterfaceAddress>, of publication: Publication, _ registrar: RecordRegistrar
    ) {
        for (address, group) in addressGroups where !addresses.contains(address) {
            avahi_s_entry_group_free(group)
            addressGroups[address] = nil
        }
        for address in addresses where addressGroups[address] == nil {
            do {
                addressGroups[address] = try registrar.group(
                    [records.address(address, hostName: publication.hostName)], interface: address.index)
            } catch {
                setting.log.debug(
                    "discovery.address.failed", ["error": "\(error)", "address": "\(address.text)"])
            }
        }
    }

    /// Reported after the callback that noticed it, because the answer to it frees the groups.
    private func collide() {
        setting.loop.schedule(after: .zero) { [weak self] in self?.setting.report(.collision) }
    }

    fileprivate func onGroupState(_ state: AvahiEntryGroupState) {
        if state == AVAHI_ENTRY_GROUP_COLLISION { collide() }
    }

    // MARK: browsing

    func browse(_ scope: BrowseScope) {
        browse(.masters, onMastersBrowser)
        if scope == .everyone { browse(.everyone, onEveryoneBrowser) }
    }

    private func browse(_ source: Lookups.Source, _ callback: AvahiSServiceBrowserCallback) {
        guard let server, browsers[source] == nil else { return }
        browsers[source] = avahi_s_service_browser_new(
            server, AVAHI_IF_UNSPEC.asIndex, AVAHI_PROTO_UNSPEC.asProtocol, records.type(of: source),
            ServiceRecords.domain, AvahiLookupFlags(rawValue: 0), callback, context)
        if browsers[source] == nil {
            onFailure("browsing for \(setting.type) failed (\(avahiError(avahi_server_errno(server))))")
        }
    }

    fileprivate func onBrowse(_ event: AvahiBrowserEvent, _ key: SightingKey, _ source: Lookups.Source) {
        switch event {
        // A label without a PeerID is no peer's: nothing is spent on it.
        case AVAHI_BROWSER_NEW where InstanceLabel.peer(of: key.label) != nil:
            resolve(lookups.appeared(key, in: source))
        case AVAHI_BROWSER_REMOVE:
            let (isGone, next) = lookups.disappeared(key, from: source)
            if isGone {
                forget(key)
                setting.report(.removed(key))
            }
            resolve(next)
        default: break
        }
    }

    func forgetAll() {
        for browser in browsers.values { avahi_s_service_browser_free(browser) }
        browsers = [:]
        lookups.removeAll()
        for key in textBrowsers.places { forget(key) }
    }

    private func forget(_ key: SightingKey) {
        if let resolver = resolvers.removeValue(forKey: key) { avahi_s_service_resolver_free(resolver) }
        if let browser = textBrowsers.remove(key) { avahi_s_record_browser_free(browser) }
        retries.cancel(key, setting.loop)
        whereabouts.removed(key)
    }

    private func resolve(_ keys: [SightingKey]) {
        for key in keys { resolve(key) }
    }

    private func resolve(_ key: SightingKey) {
        guard let server, resolvers[key] == nil else { return }
        resolvers[key] = avahi_s_service_resolver_new(
            server, key.interface, key.addressFamily, key.label, setting.type, ServiceRecords.domain,
            key.addressFamily, AvahiLookupFlags(rawValue: 0), onResolver, context)
        textBrowsers.add(key) {
            guard let name = records.fullName(ofForeign: key.label),
                let question = avahi_key_new(name, UInt16(AVAHI_DNS_CLASS_IN), DNSRecord.Kind.text.rawValue)
            else { return nil }
            defer { avahi_key_unref(question) }
            return avahi_s_record_browser_new(
                server, AVAHI_IF_UNSPEC.asIndex, AVAHI_PROTO_UNSPEC.asProtocol, question,
                AVAHI_LOOKUP_USE_MULTICAST, onRecord, context)
        }
    }

    fileprivate func onText(_ browser: OpaquePointer?, _ interface: Int32, _ family: Int32, _ text: [[UInt8]]) {
        guard let label = textBrowsers.label(of: browser) else { return }
        for key in whereabouts.heard(label, text) {
            setting.loop.schedule(after: Whereabouts.pause) { [weak self] in
                if let self, textBrowsers.has(key) { resolve(lookups.again(key)) }
            }
        }
        setting.report(.text(SightingKey(interface: interface, addressFamily: family, label: label), text))
    }

    fileprivate func onResolve(_ key: SightingKey, _ sighting: Sighting?) {
        defer { resolve(lookups.settled(key)) }
        if let sighting {
            retries.cancel(key, setting.loop)
            setting.report(.resolved(key, sighting))
            if whereabouts.resolved(key, sighting.text) { endResolver(key) }
            return
        }
        // Nothing answered within 5 s: a loss, or a peer without an address of this IP version.
        retries.schedule(key, setting.loop) { [weak self] in
            guard let self, let resolver = resolvers.removeValue(forKey: key) else { return }
            avahi_s_service_resolver_free(resolver)
            resolve(lookups.again(key))
        }
    }

    /// After the callback that brought its answer.
    private func endResolver(_ key: SightingKey) {
        guard let resolver = resolvers.removeValue(forKey: key) else { return }
        setting.loop.schedule(after: .zero) { [weak self] in
            if self?.server != nil { avahi_s_service_resolver_free(resolver) }
        }
    }

    fileprivate func onFailure(_ reason: String) {
        setting.loop.schedule(after: .zero) { [weak self] in self?.setting.report(.lost(reason)) }
    }
}

// MARK: - callbacks from C

private func onServer(_ server: OpaquePointer?, _ state: AvahiServerState, _ context: UnsafeMutableRawPointer?) {
    guard state == AVAHI_SERVER_FAILURE else { return }
    EmbeddedBackEnd.from(context)?.onFailure("libavahi-core failed (\(avahiError(avahi_server_errno(server))))")
}

private func onGroup(
    _: OpaquePointer?, _: OpaquePointer?, _ state: AvahiEntryGroupState, _ context: UnsafeMutableRawPointer?
) {
    EmbeddedBackEnd.from(context)?.onGroupState(state)
}

private func onMastersBrowser(
    _: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ name: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: AvahiLookupResultFlags,
    _ context: UnsafeMutableRawPointer?
) {
    onBrowser(.masters, interface, family, event, name, context)
}

private func onEveryoneBrowser(
    _: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ name: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: AvahiLookupResultFlags,
    _ context: UnsafeMutableRawPointer?
) {
    onBrowser(.everyone, interface, family, event, name, context)
}

private func onBrowser(
    _ source: Lookups.Source, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ name: UnsafePointer<CChar>?, _ context: UnsafeMutableRawPointer?
) {
    guard let backEnd = EmbeddedBackEnd.from(context) else { return }
    if event == AVAHI_BROWSER_FAILURE { return backEnd.onFailure("libavahi-core stopped browsing") }
    guard let name else { return }
    let key = SightingKey(interface: interface, addressFamily: family, label: String(cString: name))
    backEnd.onBrowse(event, key, source)
}

private func onResolver(
    _: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiResolverEvent,
    _ name: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?,
    _ address: UnsafePointer<AvahiAddress>?, _ port: UInt16, _ text: UnsafeMutablePointer<AvahiStringList>?,
    _: AvahiLookupResultFlags, _ context: UnsafeMutableRawPointer?
) {
    guard let backEnd = EmbeddedBackEnd.from(context), let name else { return }
    let key = SightingKey(interface: interface, addressFamily: family, label: String(cString: name))
    let found = event == AVAHI_RESOLVER_FOUND
    backEnd.onResolve(key, found ? Sighting(address: address, interface: interface, port: port, text: text) : nil)
}

private func onRecord(
    _ browser: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ record: UnsafeMutablePointer<AvahiRecord>?, _: AvahiLookupResultFlags, _ context: UnsafeMutableRawPointer?
) {
    guard event == AVAHI_BROWSER_NEW, let record else { return }
    EmbeddedBackEnd.from(context)?.onText(
        browser, interface, family, strings(of: record.pointee.data.txt.string_list))
}
