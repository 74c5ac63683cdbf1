import ZooCommands
import ZooModels

@main
struct Zoo {
    static func main() {
        ZooCommand.main(registry: try ZooModels.registry(), recipes: try ZooModels.recipes())
    }
}
