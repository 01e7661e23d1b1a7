import ArgumentParser

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Machines: look at them, let them in, drain them, say what they offer.",
        discussion: Help.text(
            examples: .init("palmier node list", "all machines that this master knows"),
            .init("palmier node list --pending", "who waits to be admitted")),
        subcommands: [
            NodeList.self, NodeShow.self, NodeWhy.self, NodeAdmit.self, NodeReject.self, NodeInvite.self,
            NodeDrain.self, NodeUndrain.self, NodeOffer.self, NodeSupplier.self,
        ])
}
