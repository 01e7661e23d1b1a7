import ArgumentParser

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Machines: look at them, let them in.",
        discussion: Help.text(
            examples: .init("palmier node list", "all machines that this master knows"),
            .init("palmier node list --pending", "who waits to be admitted")),
        subcommands: [
            NodeList.self, NodeShow.self, NodeWhy.self, NodeAdmit.self, NodeReject.self, NodeInvite.self,
            NodeSupplier.self,
        ])
}
