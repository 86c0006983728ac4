"""The command line tools of Apache Kafka, from the same jars as the brokers."""

from textsieve.embedded.kafka.java import java_command

MOVED_IN = 4  # the major version whose tools all live in org.apache.kafka.tools
CLASSES = {
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
}
BEFORE = {"kafka-console-producer": "kafka.tools.ConsoleProducer"}


def tool_command(tool: str, *arguments: str, classpath: str, version: str) -> tuple[str, ...]:
    """The command line of a tool, by the name of its script without `.sh`.

    Raises:
        BinaryMissing: There is no Java.
    """
    major = int(version.partition(".")[0])
    main = BEFORE.get(tool, CLASSES[tool]) if major < MOVED_IN else CLASSES[tool]
    return java_command(classpath, main, *arguments)
