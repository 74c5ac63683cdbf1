import ZooCommands
import ZooModels

@main
struct ZooConvert {
    static func main() {
        ZooConvertCommand.main(registry: try ZooModels.registry())
    }
}
