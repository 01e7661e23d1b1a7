import CAvahi

// What libavahi-client calls; each finds its back end by the context, on the loop's thread.

func onDaemonClient(_ client: OpaquePointer?, _ state: AvahiClientState, _ context: UnsafeMutableRawPointer?) {
    guard let client else { return }
    DaemonBackEnd.from(context)?.onState(state, of: client)
}

func onDaemonGroup(_: OpaquePointer?, _ state: AvahiEntryGroupState, _ context: UnsafeMutableRawPointer?) {
    DaemonBackEnd.from(context)?.onGroupState(state)
}

func onDaemonMasters(
    _: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ name: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: AvahiLookupResultFlags,
    _ context: UnsafeMutableRawPointer?
) {
    onDaemonBrowser(.masters, interface, family, event, name, context)
}

func onDaemonEveryone(
    _: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ name: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: AvahiLookupResultFlags,
    _ context: UnsafeMutableRawPointer?
) {
    onDaemonBrowser(.everyone, interface, family, event, name, context)
}

private func onDaemonBrowser(
    _ source: Lookups.Source, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _ name: UnsafePointer<CChar>?, _ context: UnsafeMutableRawPointer?
) {
    guard let backEnd = DaemonBackEnd.from(context) else { return }
    if event == AVAHI_BROWSER_FAILURE { return backEnd.onFailure("it stopped browsing") }
    guard let name else { return }
    let key = SightingKey(interface: interface, addressFamily: family, label: String(cString: name))
    backEnd.onBrowse(event, key, source)
}

func onDaemonResolver(
    _: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiResolverEvent,
    _ name: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?,
    _ address: UnsafePointer<AvahiAddress>?, _ port: UInt16, _ text: UnsafeMutablePointer<AvahiStringList>?,
    _: AvahiLookupResultFlags, _ context: UnsafeMutableRawPointer?
) {
    guard let backEnd = DaemonBackEnd.from(context), let name else { return }
    let key = SightingKey(interface: interface, addressFamily: family, label: String(cString: name))
    let found = event == AVAHI_RESOLVER_FOUND
    backEnd.onResolve(key, found ? Sighting(address: address, interface: interface, port: port, text: text) : nil)
}

func onDaemonRecord(
    _ browser: OpaquePointer?, _ interface: Int32, _ family: Int32, _ event: AvahiBrowserEvent,
    _: UnsafePointer<CChar>?, _: UInt16, _: UInt16, _ data: UnsafeRawPointer?, _ size: Int, _: AvahiLookupResultFlags,
    _ context: UnsafeMutableRawPointer?
) {
    guard event == AVAHI_BROWSER_NEW, let data else { return }
    DaemonBackEnd.from(context)?.onText(
        browser, interface, family, strings(ofWire: UnsafeRawBufferPointer(start: data, count: size)))
}
